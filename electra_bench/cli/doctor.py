"""`electra-bench doctor`."""

import contextlib
import importlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from electra_bench.cli import arguments
from electra_bench.cli.arguments import Dir, Json

NIGHTLY = re.compile(r"nightly$|^tf-nightly|-nightly-", re.IGNORECASE)

MODULES = ("tensorflow", "seqio")

# A nightly to the release whose files it overwrites, and takes along when it goes.
REPLACED = {
    "seqio-nightly": "seqio",
    "tf-nightly": "tensorflow",
    "tf-nightly-cpu": "tensorflow",
    "tfds-nightly": "tensorflow-datasets",
}


class Check(NamedTuple):
    """One finding.

    Attributes:
        name: what was looked at.
        status: "ok"; "note" for what is missing but not needed by everybody; "fail".
        detail: what was found and what to do about it.
    """

    name: str
    status: Literal["ok", "note", "fail"]
    detail: str


@dataclass(kw_only=True)
class Doctor(Json):
    """Checks versions, devices, registered names and data.

    examples:
      electra-bench doctor
      electra-bench doctor --data_dir data --json

    Exit status 1 if anything is marked FAIL. Missing data is no failure.

    Attributes:
        data_dir: where data sets lie; default: ELECTRA_BENCH_DATA
    """

    data_dir: Dir | None = None


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "doctor", Doctor, run)


def run(args: Doctor) -> int:
    """Prints the checks as they are made; 1 if one failed."""
    if args.data_dir is not None and not os.path.isdir(args.data_dir):
        raise FileNotFoundError(f"no directory {args.data_dir!r} (--data_dir)")
    failed = False
    found = []
    for check in checks(args.data_dir or os.environ.get("ELECTRA_BENCH_DATA")):
        failed |= check.status == "fail"
        found.append(check._asdict())
        if not args.json:
            status = "FAIL" if check.status == "fail" else check.status
            print(f"{status:<5} {check.name}: {check.detail}", flush=True)
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    return 1 if failed else 0


def checks(data_dir: str | None) -> Iterator[Check]:
    """All checks, the quick ones first."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Check(
        "machine",
        "ok",
        f"Python {platform.python_version()}, {platform.platform()}, "
        f"{len(os.sched_getaffinity(0))} CPUs, {memory_bytes / 2**30:.1f} GiB",
    )
    yield from packages()
    yield from nightlies()
    yield from lost_files()
    yield gin_library()
    yield gin_folder()
    yield from devices()
    yield metrics_of_t5()
    yield from registered_names()
    yield from data(data_dir)


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
        fits = requirement.specifier.contains(version, prereleases=True)
        detail = version if fits else f"{version}, must be {requirement.specifier}"
        yield Check(requirement.name, "ok" if fits else "fail", detail)


def nightlies() -> Iterator[Check]:
    """Nightly distributions, which overwrite the files of the released ones."""
    names = {d.metadata["Name"] for d in metadata.distributions()} - {None}
    found = sorted(name for name in names if NIGHTLY.search(name))
    for name in found:
        yield Check(
            name,
            "fail",
            "a nightly overwrites the files of the release: uninstall it, then "
            + _reinstall(REPLACED.get(name, name.replace("-nightly", ""))),
        )
    if not found:
        yield Check("nightlies", "ok", "none")


def lost_files() -> Iterator[Check]:
    """Releases whose files went with a nightly that was uninstalled."""
    for name in sorted({*REPLACED.values()}):
        try:
            files = metadata.distribution(name).files or ()
        except metadata.PackageNotFoundError:
            continue  # said above if it is required
        modules = [file for file in files if file.suffix == ".py"]
        lost = [file for file in modules if not file.locate().exists()]
        if lost:
            yield Check(
                f"files of {name}",
                "fail",
                f"{len(lost)} of {len(modules)} modules are gone, as {lost[0]}: "
                + _reinstall(name),
            )


def _reinstall(name: str) -> str:
    with contextlib.suppress(metadata.PackageNotFoundError):
        name = f"{name}=={metadata.version(name)}"
    return f"python3 -m pip install --force-reinstall --no-deps {name}"


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
    for name in MODULES:
        try:
            importlib.import_module(name)
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


def metrics_of_t5() -> Check:
    """Whether t5 computes the metrics that it has, or the project's own code."""
    from electra_bench.tasks.metrics.t5_metrics import library

    found, version_or_error = library()
    if found is not None:
        return Check(
            "t5", "ok", f"{version_or_error}, computes the metrics that it has"
        )
    try:
        version = metadata.version("t5")
    except metadata.PackageNotFoundError:
        return Check("t5", "ok", "not installed: own code computes its metrics")
    return Check(
        "t5",
        "fail",
        f"{version} cannot be imported, own code computes its metrics: "
        f"{version_or_error}; what it needs: pip install babel nltk rouge-score",
    )


def _cpu_flags() -> set[str]:
    with contextlib.suppress(OSError):  # only Linux has it
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        return set(" ".join(re.findall("^flags.*", text, re.M)).split())
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
