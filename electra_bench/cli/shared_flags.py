"""Flags that several verbs take, as parents of their parsers."""

import argparse
from typing import Any

from electra_bench.registry import load_plugin


def _flag(*names: str, **options: Any) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(*names, **options)
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
TEXT_FIELD = _flag(
    "--text_field",
    "--text-field",
    default="text",
    metavar="NAME",
    help="field of a JSON line that holds the text (default: text)",
)
ON_ERROR = _flag(
    "--on_error",
    "--on-error",
    choices=("raise", "skip"),
    default="raise",
    help="skip: count lines that are not UTF-8 or JSON and damaged files, and go on",
)


def load_plugins(args: argparse.Namespace) -> None:
    """Loads what `--plugin` names."""
    for plugin in args.plugin:
        load_plugin(plugin)
