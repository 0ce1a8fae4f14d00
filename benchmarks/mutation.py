"""Which small faults in the code the tests do not notice.

    python3 -m uv run --with cosmic-ray python benchmarks/mutation.py --seed 2026 \\
        --out mutants.json

Mutants are Cosmic Ray's, drawn with a seed from all that an area has; those that change
nothing but annotations, or are no Python, are left out. `--named` runs the faults of
`NAMED` instead. The tests run in a copy without `../shared`, so with what a public clone
has. A mutant is killed if a test fails or hangs. Survivors are for people: a test is
missing, or the mutant is equivalent, which docs/design/mutation.md lists with the reason.
"""

import argparse
import ast
import contextlib
import difflib
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("electra_bench", "gin", "plugins", "tests", "docs", "setup.cfg", "README.md")
TIMEOUT_S = 900
# Their modules are loaded once for all mutants; those of the project in every one.
PRELOADED = (
    "tensorflow",
    "tensorflow_text",
    "seqio",
    "scipy.stats",
    "pandas",
    "sklearn",
)


class Area(NamedTuple):
    """A part of the code.

    Attributes:
        modules: patterns of its files.
        tests: what should notice a fault in it, quick ones first.
        left_out: files that the patterns match and another area has.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    left_out: tuple[str, ...] = ()


_CONFORMANCE = "tests/conformance/test_models_objectives.py"
_MASKING = (
    "electra_bench/objectives/masking.py",
    "electra_bench/objectives/sampling.py",
)
AREAS = {
    "objectives": Area(
        ("electra_bench/objectives/*.py", "electra_bench/kinds/*.py"),
        (
            "tests/objectives/test_draws.py",
            "tests/objectives",
            "tests/kinds",
            _CONFORMANCE,
        ),
        _MASKING,
    ),
    "models": Area(
        ("electra_bench/models/*.py",),
        (
            "tests/objectives/test_draws.py",
            "tests/models",
            "tests/objectives",
            _CONFORMANCE,
        ),
    ),
    "training": Area(
        ("electra_bench/training/*.py",),
        (
            "tests/training",
            "tests/conformance/test_optimizers.py",
            "tests/runs/test_finetune.py",
            "tests/runs/test_pretrain.py",
            "tests/runs/test_evaluate.py",
        ),
    ),
    "masking": Area(_MASKING, ("tests/objectives", _CONFORMANCE)),
    "metrics": Area(("electra_bench/tasks/metrics/*.py",), ("tests/tasks/metrics",)),
    "statistics": Area(
        ("electra_bench/reports/statistics/*.py",), ("tests/reports", "tests/browser")
    ),
    "tables": Area(
        (
            "electra_bench/reports/board/*.py",
            "electra_bench/reports/table.py",
            "electra_bench/reports/leaderboard.py",
        ),
        ("tests/reports", "tests/cli/test_leaderboard.py"),
    ),
}


class Mutant(NamedTuple):
    """A faulty file.

    Attributes:
        area: which one it belongs to.
        file: path in the project.
        what: the operator, or the name of a fault.
        code: of the whole file.
    """

    area: str
    file: str
    what: str
    code: str

    @property
    def tests(self) -> list[str]:
        """Those of its area; first those of its file, which tests/ mirrors."""
        path = Path(self.file)
        own = Path("tests", *path.parts[1:-1], f"test_{path.name}")
        first = [str(own)] if (ROOT / own).exists() else []
        return list(dict.fromkeys([*first, *AREAS[self.area].tests]))

    @property
    def shown(self) -> dict[str, Any]:
        """What is said of it, with the lines that differ."""
        before = (ROOT / self.file).read_text().splitlines()
        lines = difflib.unified_diff(before, self.code.splitlines(), n=0, lineterm="")
        diff = "\n".join(list(lines)[2:])
        return {"area": self.area, "file": self.file, "what": self.what, "diff": diff}


def drawn(name: str, count: int, seed: int) -> list[Mutant]:
    """Mutants of an area, the same for the same seed and code."""
    from cosmic_ray.commands.init import _all_work_items
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    area = AREAS[name]
    paths = [path for pattern in area.modules for path in sorted(ROOT.glob(pattern))]
    left_out = {ROOT / file for file in area.left_out}
    specs = [
        item.mutations[0]
        for item in _all_work_items([p for p in paths if p not in left_out], {})
    ]

    def drawn_by(spec) -> str:
        """A hash, so that a change of one file leaves the draws from others as they are."""
        file = spec.module_path.relative_to(ROOT)
        text = f"{seed} {file} {spec.operator_name} {spec.occurrence}"
        return hashlib.sha256(text.encode()).hexdigest()

    specs.sort(key=drawn_by)
    found: list[Mutant] = []
    for spec in specs:
        path = Path(spec.module_path)
        before = path.read_text()
        operator = get_operator(spec.operator_name)()
        code = mutate_code(before, operator, spec.occurrence)
        if code is not None and _behaviour(code) not in (None, _behaviour(before)):
            file = str(path.relative_to(ROOT))
            found.append(Mutant(name, file, spec.operator_name, code))
        if len(found) == count:
            break
    return found


def _behaviour(code: str) -> str | None:
    """The code without its annotations, which nothing here depends on; None if no code."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


# Fault to area, file, and what stands there instead of what.
_ENCODER = "electra_bench/models/encoder.py"
_GLOROT, _NORMAL = 'initializer="glorot_uniform"', 'initializer="truncated_normal"'
NAMED: dict[str, tuple[str, str, str, str]] = {
    "one dropout mask at both sites of a layer": (
        "models",
        _ENCODER,
        'seed.fold("output")',
        'seed.fold("attention_output")',
    ),
    "one dropout mask in all layers": (
        "models",
        _ENCODER,
        'seed.fold(f"layer_{i}")',
        'seed.fold("layer")',
    ),
    "dropout of hidden states and of attention swapped": (
        "models",
        _ENCODER,
        "self._rates = (dropout, attention_dropout)",
        "self._rates = (attention_dropout, dropout)",
    ),
    "embeddings are dropped as attention is": (
        "models",
        _ENCODER,
        "dropout(x, self._rates[0], seed",
        "dropout(x, self._rates[1], seed",
    ),
    "the generator draws the discriminator's masks": (
        "objectives",
        "electra_bench/objectives/electra.py",
        'seed=seed.fold("generator")',
        'seed=seed.fold("discriminator")',
    ),
    "truncated normal for the projection of embeddings": (
        "models",
        _ENCODER,
        _GLOROT,
        _NORMAL,
    ),
    "truncated normal for the discriminator's logit": (
        "objectives",
        "electra_bench/objectives/heads.py",
        _GLOROT,
        _NORMAL,
    ),
    "truncated normal for heads of classes": (
        "objectives",
        "electra_bench/kinds/dense_head.py",
        _GLOROT,
        _NORMAL,
    ),
    "truncated normal for heads of spans": (
        "objectives",
        "electra_bench/kinds/span_qa.py",
        _GLOROT,
        _NORMAL,
    ),
}


def named() -> list[Mutant]:
    """The faults of `NAMED`."""
    mutants = []
    for fault, (area, file, before, after) in NAMED.items():
        text = (ROOT / file).read_text()
        if text.count(before) != 1:
            raise ValueError(f"{file} does not hold exactly one {before!r}")
        mutants.append(Mutant(area, file, fault, text.replace(before, after)))
    return mutants


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    """The project in a folder of its own, without what lies beside it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        place = Path(folder, "project")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(source, place / name, ignore=ignored)
            else:
                shutil.copy(source, place / name)
        yield place


def _tests(place: str, tests: Sequence[str], log: str) -> None:
    """In a process of its own: the tests, up to the first that fails."""
    os.chdir(place)
    sys.path.insert(0, place)
    os.environ["PYTHONPATH"] = place
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    import pytest

    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line"]
    # At once: what modules do at exit says nothing of the tests.
    os._exit(int(pytest.main([*options, *tests])))


def judged(mutant: Mutant, place: Path) -> dict[str, Any]:
    """Runs the tests on a mutant."""
    log = str(place.parent / "log")
    begin = time.monotonic()
    (place / mutant.file).write_text(mutant.code)
    try:
        process = CONTEXT.Process(target=_tests, args=(str(place), mutant.tests, log))
        process.start()
        process.join(TIMEOUT_S)
        hangs = process.is_alive()
        process.kill()
        process.join()
    finally:
        shutil.copy(ROOT / mutant.file, place / mutant.file)
    lines = Path(log).read_text(errors="replace").splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return {
        "outcome": "hangs"
        if hangs
        else "survived"
        if not process.exitcode
        else "killed",
        "by": failed[0].split(" - ")[0] if failed else "",
        "seconds": round(time.monotonic() - begin, 1),
    }


def _killed_before(out: str | None, mutants: Sequence[Mutant]) -> list[dict[str, Any]]:
    """What an earlier call found of these mutants."""
    if out is None or not Path(out).exists():
        return []
    drawn_now = [mutant.shown for mutant in mutants]
    found = json.loads(Path(out).read_text())
    killed = [result for result in found if result["outcome"] == "killed"]
    return [result for result in killed if _shown(result) in drawn_now]


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in ("area", "file", "what", "diff")}


CONTEXT = multiprocessing.get_context("forkserver")


def main() -> None:
    """Draws, judges, prints and saves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", default=list(AREAS))
    parser.add_argument("--count", type=int, default=30, help="mutants of an area")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--named", action="store_true", help="the faults of NAMED")
    parser.add_argument(
        "--out",
        help="JSON file of those judged; what it says was killed is not judged again",
    )
    args = parser.parse_args()
    for area in args.areas:
        if area not in AREAS:
            parser.error(f"no area {area!r}; all: {', '.join(AREAS)}")
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in ("TF_NUM_INTRAOP_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    CONTEXT.set_forkserver_preload(list(PRELOADED))
    mutants = named() if args.named else []
    if not args.named:
        for area in args.areas:
            mutants += drawn(area, args.count, args.seed)
    results = _killed_before(args.out, mutants)
    done = [_shown(result) for result in results]
    with contextlib.ExitStack() as stack:
        places: Queue[Path] = Queue()
        for _ in range(args.workers):
            places.put(stack.enter_context(_copy()))

        def judge(mutant: Mutant) -> None:
            place = places.get()
            found = judged(mutant, place)
            places.put(place)
            results.append({**mutant.shown, **found})
            print(f"{len(results)}/{len(mutants)}", *results[-1].values(), flush=True)
            if args.out:
                Path(args.out).write_text(json.dumps(results, indent=1) + "\n")

        with ThreadPoolExecutor(args.workers) as pool:
            list(pool.map(judge, [m for m in mutants if m.shown not in done]))
    for area in AREAS:
        count = Counter(r["outcome"] for r in results if r["area"] == area)
        if count:
            survived = count["survived"]
            print(f"{area:>12}: {count.total()} mutants, {survived} survived")


if __name__ == "__main__":
    main()
