"""What every record says about where and how a run was made."""

import datetime
import hashlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import tensorflow as tf

from electra_bench import config, registry
from electra_bench.config.statements import Binding, Macro, read_file

PACKAGES = (
    "tensorflow",
    "tensorflow-text",
    "seqio",
    "t5",
    "gin-config",
    "numpy",
    "scipy",
    "scikit-learn",
    "seqeval",
    "sentencepiece",
    "tokenizers",
)


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Fields of a record that describe machine, packages and plugins."""
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices(
        "CPU"
    )
    return {
        "device": f"{len(devices)} x {devices[0].device_type}, {platform.processor()}",
        "precision": "float32",
        "plugins": plugins(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "code_version": code_version(),
    }


def plugins() -> dict[str, str]:
    """Installed distributions, other than this one, that register anything."""
    found = {}
    for names in registry.REGISTRIES.values():
        for name in names.names():
            origin = names.origin(name)
            if origin.distribution and origin.distribution != "electra-bench":
                found[origin.distribution] = origin.version or ""
    return found


def code_version() -> str:
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


def sha256_of_file(path: str) -> str:
    """Hash of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_checkpoint(prefix: str) -> str:
    """Hash of a checkpoint's tensors as stored."""
    return sha256_of_file(f"{prefix}.data-00000-of-00001")


def protocol_changes(
    protocol: str | None, parsed: config.Parsed
) -> dict[str, list[Any]]:
    """Parameters in which a configuration differs from its protocol's file.

    Args:
        protocol: `code_v1`, `paper` or `fixed`; None for no protocol.
        parsed: the configuration.

    Returns:
        Parameter to [the protocol's value, the value here].
    """
    if protocol is None:
        return {}
    changes = {}
    for statement in read_file(f"protocols/{protocol}.gin"):
        if not isinstance(statement, Binding) or not statement.parameter:
            continue
        expected = statement.value
        here = parsed.value(statement.key)
        if not isinstance(expected, Macro) and here != expected:
            changes[statement.key] = [expected, here]
    return changes


def hparams(parsed: config.Parsed) -> dict[str, Any]:
    """Every bound parameter, macros resolved."""
    return {
        binding.key: parsed.value(binding.key)
        for binding in parsed.bindings
        if binding.parameter
    }
