"""Does a model find the true sentence among others of the same words?

    python benchmarks/rerank_lists.py make --squad dev-v1.1.json --text 'corpus/*.txt.xz' \
        --vocab vocab.txt --lists 2000 --output lists.jsonl
    electra-bench rerank RUN --test lists.jsonl --lambda 1.0 --output picked.jsonl
    python benchmarks/rerank_lists.py judge --lists lists.jsonl --picked picked.jsonl

A list holds a sentence of SQuAD's development set and four competitors: in two of them
two words have changed places, in two of them a word is replaced by one that is equally
frequent in the text. All words involved are single tokens of the vocabulary, so lengths are
equal. A unigram model ties on the first and is at chance on the second.
"""

import argparse
import json
import re
from collections import Counter

import numpy as np
from scipy.stats import binomtest

from electra_bench.data.text.files import find_files, iter_lines

LENGTHS = (8, 25)  # words of a sentence
NEIGHBOURS = 10  # words of the nearest frequencies that may replace one
FREQUENT = 50  # occurrences, so that the frequency means something


def count_words(files: list[str]) -> Counter[str]:
    """Lower-cased words of letters."""
    counts: Counter[str] = Counter()
    for line in iter_lines(find_files(files)):
        counts.update(re.findall(r"[a-z]+", line.lower()))
    return counts


def sentences(path: str) -> list[list[str]]:
    """Words of the sentences of all paragraphs, each sentence once."""
    with open(path, encoding="utf-8") as file:
        articles = json.load(file)["data"]
    contexts = {p["context"] for article in articles for p in article["paragraphs"]}
    found = {
        sentence
        for context in contexts
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", context)
    }
    split = [sentence.split() for sentence in sorted(found)]
    return [words for words in split if LENGTHS[0] <= len(words) <= LENGTHS[1]]


def swapped(words: list[str], places: np.ndarray, rng) -> list[str]:
    """Two different words change places."""
    while True:
        i, j = rng.choice(places, 2, replace=False)
        if words[i] != words[j]:
            other = list(words)
            other[i], other[j] = other[j], other[i]
            return other


def make(args: argparse.Namespace) -> None:
    """Writes the lists."""
    rng = np.random.default_rng(args.seed)
    with open(args.vocab, encoding="utf-8") as file:
        vocab = {line.rstrip("\n") for line in file}
    counts = count_words(args.text)
    ranked = [
        word for word, n in counts.most_common() if n >= FREQUENT and word in vocab
    ]
    rank = {word: i for i, word in enumerate(ranked)}
    found = sentences(args.squad)
    rng.shuffle(found)
    written = 0
    with open(args.output, "w", encoding="utf-8") as file:
        for words in found:
            places = np.array([i for i, word in enumerate(words) if word in rank])
            if len({words[i] for i in places}) < 4:
                continue
            hypotheses = [("true", words)]
            hypotheses += [("swap", swapped(words, places, rng)) for _ in range(2)]
            for _ in range(2):
                place = rng.choice(places)
                near = rank[words[place]] + rng.permutation(
                    [*range(-NEIGHBOURS, 0), *range(1, NEIGHBOURS + 1)]
                )
                choice = next(i for i in near if 0 <= i < len(ranked))
                other = list(words)
                other[place] = ranked[choice]
                hypotheses.append(("replace", other))
            rng.shuffle(hypotheses)
            unigram = [
                sum(np.log(counts[w]) for w in other if w in rank)
                for _, other in hypotheses
            ]
            line = {
                "id": written,
                "hypotheses": [
                    {"text": " ".join(other), "score": 0.0} for _, other in hypotheses
                ],
                "reference": " ".join(words),
                "kinds": [kind for kind, _ in hypotheses],
                "unigram": [float(x) for x in unigram],
            }
            file.write(json.dumps(line) + "\n")
            written += 1
            if written == args.lists:
                break
    print(f"{written} lists, {len(ranked)} words may replace one another")


def judge(args: argparse.Namespace) -> None:
    """Prints how often the true sentence was picked, and McNemar's exact test."""
    with open(args.lists, encoding="utf-8") as file:
        lists = [json.loads(line) for line in file]
    with open(args.picked, encoding="utf-8") as file:
        picked = [json.loads(line) for line in file]
    rng = np.random.default_rng(args.seed)
    right, chance, wins = [], [], Counter()
    for one, pick in zip(lists, picked, strict=True):
        kinds = one["kinds"]
        right.append(kinds[pick["index"]] == "true")
        # Ties are broken at random.
        noise = rng.random(len(kinds)) * 1e-6
        chance.append(kinds[int(np.argmax(one["unigram"] + noise))] == "true")
        true = pick["scores"][kinds.index("true")]
        for kind, score in zip(kinds, pick["scores"], strict=True):
            wins[kind, "pairs"] += kind != "true"
            wins[kind, "won"] += kind != "true" and true > score
    right, chance = np.array(right), np.array(chance)
    only, other = int((right & ~chance).sum()), int((~right & chance).sum())
    p = binomtest(only, only + other).pvalue
    print(f"{len(right)} lists of {len(lists[0]['kinds'])}")
    print(f"true sentence picked: model {100 * right.mean():.1f} %")
    print(f"                      unigram {100 * chance.mean():.1f} %")
    for kind in ("swap", "replace"):
        share = 100 * wins[kind, "won"] / wins[kind, "pairs"]
        print(f"true sentence above a {kind}: {share:.1f} %")
    print(
        f"McNemar: {only} lists only the model, {other} only the unigram, p = {p:.2g}"
    )


def main() -> None:
    """Parses the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    actions = parser.add_subparsers(required=True)
    making = actions.add_parser("make")
    making.add_argument("--squad", required=True)
    making.add_argument("--text", nargs="+", required=True)
    making.add_argument("--vocab", required=True)
    making.add_argument("--lists", type=int, default=2000)
    making.add_argument("--output", required=True)
    making.set_defaults(run=make)
    judging = actions.add_parser("judge")
    judging.add_argument("--lists", required=True)
    judging.add_argument("--picked", required=True)
    judging.set_defaults(run=judge)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
