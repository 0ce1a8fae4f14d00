"""`--hparams`: the original's dictionary in place of gin files."""

import argparse
import os
import tempfile
from typing import Any

from electra_bench import config
from electra_bench.cli import gin_arguments
from electra_bench.config.hparams import Translated, read_hparams


def add_hparams(parser: argparse.ArgumentParser) -> None:
    """Adds `--hparams` and `--model_name`."""
    parser.add_argument(
        "--hparams",
        metavar="JSON",
        help="the original's hyper-parameters, as JSON or a file of it; with --data_dir "
        "and --model_name, instead of gin files",
    )
    parser.add_argument(
        "--model_name", metavar="NAME", help="with --hparams: the original's model_name"
    )


def given_hparams(args: argparse.Namespace) -> dict[str, Any] | None:
    """The dictionary; None if there is none.

    Raises:
        FileNotFoundError: neither JSON nor a file.
        ValueError: no JSON object, or a flag that is missing or goes with it only.
    """
    if args.hparams is None:
        if args.model_name is not None:
            raise ValueError("--model_name goes with --hparams; with gin, bind LABEL")
        return None
    if args.data_dir is None or args.model_name is None:
        raise ValueError("--hparams needs --data_dir and --model_name")
    return read_hparams(args.hparams)


def launch(args: argparse.Namespace, root: str, translated: Translated) -> Any:
    """Says what the dictionary became, and runs a root with it under code_v1."""
    print("--hparams became:")
    print("\n".join(f"  {line}" for line in translated.bindings))
    for note in translated.notes:
        print(f"  # {note}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # A file, so that gin files and bindings of the command line override it.
        path = os.path.join(folder, "hparams.gin")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(translated.bindings) + "\n")
        files = (f"runs/{root}.gin", "protocols/code_v1.gin", path)
        args.gin_file = [*files, *args.gin_file]
        try:
            return gin_arguments.launch(args, root)
        except config.ConfigError as error:
            # Its lines are those that were printed.
            message = str(error).replace(path, "--hparams")
            raise config.ConfigError(message) from error
