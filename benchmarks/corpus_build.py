"""Rate and memory of example building.

    python benchmarks/corpus_build.py --text 'corpus/*.xz' --vocab vocab.txt --mb 40 400

repeats the text to files of the given sizes, runs `electra-bench corpus build` on each and
prints a line of JSON for each: MB of text per second and core, by the clock and by the CPU
time of all processes (which other work on the machine does not change), and the highest
sum of the proportional
set sizes (PSS) of all its processes, from /proc/*/smaps_rollup (Linux only). Starting up is
not counted in the rates.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from electra_bench.data.text.files import find_files, iter_documents


def main() -> None:
    """Measures and prints one line of JSON a size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", required=True, nargs="+", help="files or globs")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--mb", type=float, nargs="+", default=[40, 400])
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="corpus_build-")
    try:
        for size in args.mb:
            text = os.path.join(folder, "text.txt")
            write_text(args.text, text, size * 1e6)
            measure(text, args.vocab, args.processes, os.path.join(folder, "out"))
    finally:
        shutil.rmtree(folder)


def write_text(patterns: list[str], path: str, size: float) -> None:
    """Repeats the documents of a corpus until a file has `size` bytes."""
    files = find_files(patterns)
    with open(path, "wb") as file:
        while True:
            for document in iter_documents(files):
                if file.tell() >= size:
                    return
                file.write(document.text.encode() + b"\n\n")


def measure(text: str, vocab: str, processes: int, output: str) -> None:
    """Builds examples of one file and prints the measurements."""
    command = [sys.executable, "-m", "electra_bench", "corpus", "build"]
    command += ["--corpus-dir", text, "--vocab-file", vocab, "--output-dir", output]
    command += ["--num-processes", str(processes), "--overwrite"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    cpu: dict[int, float] = {}
    start_up = 0.0
    while process.poll() is None:
        pids = descendants(process.pid)
        peak = max(peak, sum(map(pss, pids)))
        cpu |= {pid: cpu_s(pid) or cpu.get(pid, 0.0) for pid in pids}
        if len(pids) == 1:  # no workers yet: imports and the vocabulary
            start_up = cpu[process.pid]
        time.sleep(0.1)
    if process.returncode:
        sys.exit(process.returncode)
    with open(os.path.join(output, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    mb = manifest["text_bytes"] / 1e6
    used = sum(cpu.values()) - start_up
    cores = min(processes, len(os.sched_getaffinity(0)))
    found = {
        "mb": round(mb),
        "workers": processes,
        "seconds": round(manifest["seconds"], 2),
        "processor_s": round(used, 1),
        "mb_per_s_and_core": round(mb / manifest["seconds"] / cores, 2),
        "mb_per_processor_s": round(mb / used, 2),
        "peak_pss_mb": round(peak / 1e6),
    }
    print(json.dumps(found), flush=True)


def cpu_s(pid: int) -> float:
    """CPU time that a process has used; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            # The name of the program, in parentheses, may hold anything.
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        try:
            threads = os.listdir(f"/proc/{parent}/task")
        except FileNotFoundError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    found += map(int, file.read().split())
            except FileNotFoundError:
                continue
    return found


def pss(pid: int) -> int:
    """Proportional set size of a process in bytes; 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


if __name__ == "__main__":
    main()
