"""Where and with what a run computes: the fields of its record."""

import contextlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import tensorflow as tf

from electra_bench import registry
from electra_bench.training.precision import computed_with

PACKAGES = (
    "tensorflow",
    "tensorflow-text",
    "seqio",
    "t5",
    "gin-config",
    "numpy",
    "scipy",
    "scikit-learn",
    "sentencepiece",
    "tokenizers",
)


def environment() -> dict[str, Any]:
    """Fields of a record that describe machine, packages and plugins."""
    return {
        "device": _device(),
        "precision": computed_with(),
        "plugins": plugins(),
        "packages": packages(),
        "code_version": version_and_commit(),
    }


def _device() -> str:
    """Devices, processor, and the thread counts, on which the last bits depend."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices(
        "CPU"
    )
    threads = tf.config.threading
    return (
        f"{len(devices)} x {devices[0].device_type}, {platform.machine()}, "
        f"{len(os.sched_getaffinity(0))} cores, threads "
        f"{threads.get_intra_op_parallelism_threads()} intra-op, "
        f"{threads.get_inter_op_parallelism_threads()} inter-op (0: one a core)"
    )


def packages() -> dict[str, str]:
    """Versions of what computes; t5 is left out where it is absent."""
    versions = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def plugins() -> dict[str, str]:
    """Installed distributions, other than this one, that register anything."""
    found = {}
    for names in registry.REGISTRIES.values():
        for name in names.names():
            origin = names.origin(name)
            if origin.distribution and origin.distribution != "electra-bench":
                found[origin.distribution] = origin.version or ""
    return found


def version_and_commit() -> str:
    """Version of this package and, in a git checkout, the commit."""
    version = metadata.version("electra-bench")
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return version
    commit = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return f"{version}+{commit}" if commit else version
