"""gin files: finding, reading, checking and saving them; no TensorFlow, no seqio."""

from electra_bench.config.locate import find_gin_file, gin_root
from electra_bench.config.parse import (
    ConfigError,
    Parsed,
    literals,
    parse,
    peek,
    read,
    require_bound,
)
from electra_bench.config.snapshot import snapshot

__all__ = [
    "ConfigError",
    "Parsed",
    "find_gin_file",
    "gin_root",
    "literals",
    "parse",
    "peek",
    "read",
    "require_bound",
    "snapshot",
]
