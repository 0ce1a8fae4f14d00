"""gin files: finding, reading, checking and saving them; no TensorFlow, no seqio."""

from electra_bench.config.defaults import bind_unbound, default_of
from electra_bench.config.locate import find_gin_file, gin_root, is_own_file
from electra_bench.config.parse import (
    Parsed,
    bound_names,
    literals,
    parse,
    peek,
    read,
    require_bound,
    set_by,
)
from electra_bench.config.snapshot import replaced, snapshot
from electra_bench.config.syntax import ConfigError

__all__ = [
    "ConfigError",
    "Parsed",
    "bind_unbound",
    "bound_names",
    "default_of",
    "find_gin_file",
    "gin_root",
    "is_own_file",
    "literals",
    "parse",
    "peek",
    "read",
    "replaced",
    "require_bound",
    "set_by",
    "snapshot",
]
