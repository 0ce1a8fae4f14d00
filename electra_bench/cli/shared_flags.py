"""Flags that several verbs take, as parents of their parsers."""

import argparse
from typing import Any

from electra_bench.registry import load_plugin


def _flag(name: str, **options: Any) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(name, **options)
    return parent


def _repeated(name: str, metavar: str, text: str) -> argparse.ArgumentParser:
    return _flag(
        name,
        action="append",
        default=[],
        metavar=metavar,
        help=f"{text}; may be repeated",
    )


JSON = _flag("--json", action="store_true", help="print JSON")
PLUGIN = _repeated("--plugin", "P", "module or file that registers more names")
GIN_FILE = _repeated("--gin_file", "F", "a gin file")
GIN_PARAM = _repeated("--gin_param", "'X = Y'", "one binding; --gin.X=Y is the same")
DATA_DIR = _flag(
    "--data_dir", metavar="DIR", help="where data sets lie; default: ELECTRA_BENCH_DATA"
)


def load_plugins(args: argparse.Namespace) -> None:
    """Loads what `--plugin` names."""
    for plugin in args.plugin:
        load_plugin(plugin)
