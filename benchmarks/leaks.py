"""Time and memory of looking scored examples up in a corpus, and of near duplicates.

    python benchmarks/leaks.py --mb 1000 --repeat 3

generates a text of random words (Zipf's law, punctuation, 1 % of the words with characters
outside ASCII) and 10,000 examples of 30 words, puts every tenth of these into the text with
another case and other punctuation, looks all up on two processes, and checks that these and
no others are found. It prints seconds by the clock and by CPU time of all processes, both
with start-up, and the highest sum of their proportional set sizes (PSS, see
corpus_build.py). Then the time to find 10,000 examples, of which every tenth has one word
more, among 390,000.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from corpus_build import cpu_s, descendants, pss

from electra_bench.data.leaks.near_texts import near_texts
from electra_bench.data.leaks.ngrams import NgramIndex, TextNgrams, places_in
from electra_bench.data.leaks.scan import found_in
from electra_bench.data.text.files import iter_documents

EXAMPLES = 10_000
PLANTED_EVERY = 10
WORDS_OF_EXAMPLE = 30
WORDS_OF_LINE = 100
LINES_OF_DOCUMENT = 8
PIECE_WORDS = 1_000_000


def main() -> None:
    """Generates, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mb", type=float, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scan", help=argparse.SUPPRESS)
    args = parser.parse_args()
    vocabulary = words_of_vocabulary()
    texts = examples(vocabulary, seed=1)
    if args.scan:
        scan(args.scan, texts, args.processes)
        return
    with tempfile.TemporaryDirectory(prefix="leaks-") as folder:
        path = os.path.join(folder, "text.txt")
        write_text(path, vocabulary, texts, args.mb * 1e6)
        for _ in range(args.repeat):
            measure(path, args.processes)
    started, cpu = time.monotonic(), time.process_time()
    theirs = examples(vocabulary, seed=2, count=390_000)
    ours = texts.copy()
    ours[::PLANTED_EVERY] = [f"{text} more" for text in theirs[:: 39 * PLANTED_EVERY]]
    generated, cpu_generated = time.monotonic(), time.process_time()
    found = near_texts(ours, theirs)
    assert [bool(numbers) for numbers in found] == [
        i % 10 == 0 for i in range(EXAMPLES)
    ]
    print(
        f"near duplicates of {EXAMPLES:,} among {len(theirs):,}: "
        f"{time.monotonic() - generated:.1f} s by the clock, "
        f"{time.process_time() - cpu_generated:.1f} s CPU time "
        f"(generated in {generated - started:.1f} and {cpu_generated - cpu:.1f} s)"
    )


def words_of_vocabulary() -> np.ndarray:
    """50,000 different words, the frequent ones short."""
    rng = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    rows = map("".join, rng.choice(letters, (80_000, 12)).tolist())
    lengths = np.sort(rng.integers(2, 13, 80_000)).tolist()
    words = (row[:length] for row, length in zip(rows, lengths, strict=True))
    found = list(dict.fromkeys(words))[:50_000]
    for i in range(0, len(found), 100):
        found[i] = found[i][:-1] + "é’s"
    return np.array(found)


def drawn(vocabulary: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """Words by Zipf's law: the logarithm of a word's rank is uniform."""
    ranks = np.exp(rng.random(count) * np.log(len(vocabulary))).astype(int) - 1
    return vocabulary[ranks]


def examples(vocabulary: np.ndarray, seed: int, count: int = EXAMPLES) -> list[str]:
    """Texts of 30 words."""
    rng = np.random.default_rng(seed)
    words = drawn(vocabulary, rng, count * WORDS_OF_EXAMPLE).reshape(count, -1)
    return [" ".join(row) for row in words.tolist()]


def write_text(
    path: str, vocabulary: np.ndarray, texts: list[str], size: float
) -> None:
    """Writes documents of lines until the file has `size` bytes, examples among them."""
    planted = iter([text.title() for text in texts[::PLANTED_EVERY]])
    rng = np.random.default_rng(3)
    with open(path, "w", encoding="utf-8") as file:
        while file.tell() < size:
            words = drawn(vocabulary, rng, PIECE_WORDS).reshape(-1, WORDS_OF_LINE)
            for number, row in enumerate(words.tolist()):
                end = "\n\n" if number % LINES_OF_DOCUMENT == 0 else "\n"
                file.write(", ".join((" ".join(row[:50]), " ".join(row[50:]))))
                # All of them stand in the first 100 pieces at the latest.
                if number % 500 == 0:
                    file.write(f" – “{next(planted, '').replace(' ', ', ')}”")
                file.write(f".{end}")
        for text in planted:
            file.write(f"{text}.\n\n")


def scan(path: str, texts: list[str], processes: int) -> None:
    """Looks the examples up, and checks what is found."""
    ngrams = TextNgrams.of(texts, 8, 13)
    index = NgramIndex(ngrams, 8, 13)
    is_found = found_in(iter_documents([path]), index, processes)
    of_ngram = is_found[places_in(index.hashes, ngrams.hashes)[1]]
    found = np.bincount(ngrams.owners, of_ngram) / np.bincount(ngrams.owners)
    assert (found >= 0.5).tolist() == [i % 10 == 0 for i in range(EXAMPLES)], found


def measure(path: str, processes: int) -> None:
    """Runs a look-up and prints the measurements."""
    command = [sys.executable, __file__, "--scan", path, "--processes", str(processes)]
    started = time.monotonic()
    process = subprocess.Popen(command)
    peak = 0
    cpu: dict[int, float] = {}
    while process.poll() is None:
        pids = descendants(process.pid)
        peak = max(peak, sum(map(pss, pids)))
        cpu |= {pid: cpu_s(pid) or cpu.get(pid, 0.0) for pid in pids}
        time.sleep(0.1)
    if process.returncode:
        sys.exit(process.returncode)
    print(
        f"{os.path.getsize(path) / 1e6:.0f} MB, {processes} workers: "
        f"{time.monotonic() - started:.1f} s by the clock, {sum(cpu.values()):.1f} s CPU "
        f"time of all processes; peak PSS {peak / 1e6:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
