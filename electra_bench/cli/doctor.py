"""`electra-bench doctor`."""

import argparse
import dataclasses
import importlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Literal

EXAMPLES = """\
examples:
  electra-bench doctor
  electra-bench doctor --data_dir data --json

Exit status 1 if anything is marked FAIL. Missing data is no failure.
"""

NIGHTLY = re.compile(r"nightly$|^tf-nightly|-nightly-", re.IGNORECASE)

# Distribution to the module that shows that it works.
MODULES = {"tensorflow": "tensorflow", "seqio": "seqio"}


@dataclasses.dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        name: what was looked at.
        status: "ok"; "note" for what is missing but not needed by everybody; "fail".
        detail: what was found and what to do about it.
    """

    name: str
    status: Literal["ok", "note", "fail"]
    detail: str


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "doctor",
        description="Checks versions, devices, registered names and data.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data_dir", metavar="DIR", help="default: ELECTRA_BENCH_DATA")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the checks as they are made; 1 if one failed."""
    if args.data_dir is not None and not os.path.isdir(args.data_dir):
        raise FileNotFoundError(f"no directory {args.data_dir!r} (--data_dir)")
    failed = False
    found = []
    for check in checks(args.data_dir or os.environ.get("ELECTRA_BENCH_DATA")):
        failed |= check.status == "fail"
        found.append(dataclasses.asdict(check))
        if not args.json:
            status = "FAIL" if check.status == "fail" else check.status
            print(f"{status:<5} {check.name}: {check.detail}", flush=True)
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    return 1 if failed else 0


def checks(data_dir: str | None) -> Iterator[Check]:
    """All checks, the quick ones first."""
    yield Check(
        "machine",
        "ok",
        f"Python {platform.python_version()}, {platform.platform()}, "
        f"{len(os.sched_getaffinity(0))} CPUs, {_memory_gib():.1f} GiB",
    )
    yield from packages()
    yield from nightlies()
    yield gin_library()
    yield gin_folder()
    yield from devices()
    yield metrics()
    yield from registered_names()
    yield from data(data_dir)


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def packages() -> Iterator[Check]:
    """What this distribution requires against what is installed."""
    from packaging.requirements import Requirement

    for line in metadata.requires("electra-bench") or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield Check(requirement.name, "fail", "not installed")
            continue
        wanted = str(requirement.specifier)
        if not requirement.specifier.contains(version, prereleases=True):
            yield Check(requirement.name, "fail", f"{version}, must be {wanted}")
        else:
            yield Check(requirement.name, "ok", version)


def nightlies() -> Iterator[Check]:
    """Nightly distributions, which overwrite the files of the released ones."""
    names = {d.metadata["Name"] for d in metadata.distributions()} - {None}
    found = sorted(name for name in names if NIGHTLY.search(name))
    for name in found:
        yield Check(
            name,
            "fail",
            "a nightly overwrites the files of the release: uninstall it, then install "
            "again with pip install --no-deps -r requirements.lock",
        )
    if not found:
        yield Check("nightlies", "ok", "none")


def gin_library() -> Check:
    """Whether `import gin` gives the library, not a folder of that name."""
    import gin

    if hasattr(gin, "register"):
        return Check("gin", "ok", str(gin.__file__))
    return Check(
        "gin",
        "fail",
        f"import gin gives {list(gin.__path__)}, not the library: is there a folder gin "
        "on the path, or is gin-config not installed?",
    )


def gin_folder() -> Check:
    """Whether the project's gin files are there."""
    from electra_bench.config import gin_root

    try:
        root = gin_root()
    except FileNotFoundError as error:
        return Check("gin files", "fail", str(error))
    return Check("gin files", "ok", f"{len(list(root.rglob('*.gin')))} in {root}")


def devices() -> Iterator[Check]:
    """Whether the big libraries import, the devices, and what they do with bfloat16."""
    for name, module in MODULES.items():
        try:
            importlib.import_module(module)
        except Exception as error:  # a broken installation may raise anything
            yield Check(f"import {name}", "fail", f"{type(error).__name__}: {error}")
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    tpus = tf.config.list_physical_devices("TPU")
    native = _cpu_flags() & {"avx512_bf16", "amx_bf16"}
    yield Check(
        "CPU",
        "ok",
        f"bfloat16 native ({', '.join(sorted(native))})"
        if native
        else "bfloat16 emulated, slow: use float32",
    )
    for gpu in gpus:
        details = tf.config.experimental.get_device_details(gpu)
        capability = details.get("compute_capability", (0, 0))
        support = "native" if capability >= (8, 0) else "not native: use float32"
        yield Check(gpu.name, "ok", f"{details.get('device_name')}, bfloat16 {support}")
    for tpu in tpus:
        yield Check(tpu.name, "ok", "bfloat16 native")
    if not gpus and not tpus:
        yield Check("accelerator", "note", "none: training runs on the CPU")


def metrics() -> Check:
    """What computes the metrics that t5 has as well."""
    from electra_bench.tasks.metrics.t5_metrics import library

    name = "metrics of SQuAD 1.1, MRQA and correlation"
    found, said = library()
    if found is None:
        return Check(name, "note", f"by electra-bench, with t5's numbers: {said}")
    return Check(name, "ok", f"by t5 {said}")


def _cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        # Only Linux has it.
        pass
    return set()


def registered_names() -> Iterator[Check]:
    """Whether everything that entry points declare can be imported."""
    from electra_bench.registry import REGISTRIES

    for kind, registry in REGISTRIES.items():
        broken = 0
        for name in registry.names():
            try:
                registry.load(name)
            except Exception as error:  # a plugin may raise anything
                broken += 1
                origin = registry.origin(name)
                yield Check(
                    f"{kind} {name}",
                    "fail",
                    f"{origin.distribution} declares {origin.target}: "
                    f"{type(error).__name__}: {error}",
                )
        if not broken and registry.names():
            yield Check(kind, "ok", ", ".join(registry.names()))


def data(data_dir: str | None) -> Iterator[Check]:
    """Which tasks have their files below the data folder."""
    from electra_bench.registry import tasks

    if data_dir is None:
        yield Check(
            "data", "note", "no data folder: give --data_dir or set ELECTRA_BENCH_DATA"
        )
        return
    for name in tasks.names():
        try:
            card = tasks.get(name)
        except Exception:
            continue  # said above
        if not card.splits:
            yield Check(f"data of {name}", "ok", "made from what is installed here")
            continue
        yield _task_data(name, card.splits, data_dir)


def _task_data(name: str, splits, data_dir: str) -> Check:
    from electra_bench.data import run_context

    found, missing = [], []
    with run_context.use(data_dir=data_dir):
        try:
            from electra_bench.tasks.registration import load_task

            source = load_task(name).source
        except Exception as error:  # a broken installation may raise anything
            return Check(f"data of {name}", "fail", f"{type(error).__name__}: {error}")
        for split in splits:
            try:
                dataset = source.get_dataset(split, shuffle=False)
                next(dataset.as_numpy_iterator())
            except (FileNotFoundError, StopIteration) as error:
                missing.append(f"{split}: {error or 'empty'}")
            except Exception as error:  # damaged files raise what their reader raises
                return Check(f"data of {name}", "fail", f"{split}: {error}")
            else:
                found.append(split)
    if not missing:
        return Check(f"data of {name}", "ok", ", ".join(found))
    have = f"has {', '.join(found)}; " if found else ""
    return Check(f"data of {name}", "note", f"{have}missing {'; '.join(missing)}")
