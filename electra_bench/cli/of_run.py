"""Verbs whose first argument is a pre-training run that scores texts."""

import argparse
from typing import Any

from electra_bench.cli import gin_arguments
from electra_bench.runs.lifecycle import config_of

# Equal to objectives.pseudo_likelihood.METHODS, whose module loads TensorFlow.
METHODS = ("electric", "electra_tt", "two_tower", "mlm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, `--method` and the gin arguments."""
    parser.add_argument("run_dir", metavar="RUN", help="folder of a pre-training run")
    parser.add_argument(
        "--method",
        choices=METHODS,
        help="how to score: energies of Electric; ELECTRA's discriminator with two towers; "
        "the two towers alone; a masked language model, one pass a token (default: what "
        "the run was trained for)",
    )
    gin_arguments.add_gin_arguments(parser)


def launch(args: argparse.Namespace, root: str, given: dict[str, Any]):
    """Runs a root on a run, as the run's own configuration and the arguments say.

    Args:
        args: as parsed.
        root: `score` or `rerank`.
        given: its parameters; those that are None keep their bindings.

    Raises:
        FileNotFoundError: no such run.
    """
    args.gin_file = [f"runs/{root}.gin", config_of(args.run_dir), *args.gin_file]
    given = {"init": args.run_dir, "method": args.method, **given}
    # Not the macro WORKDIR, which is where the run itself lies.
    given["workdir"], args.workdir = args.workdir, None
    args.gin_param += [
        f"{_key(root, name)} = {value!r}"
        for name, value in given.items()
        if value is not None
    ]
    return gin_arguments.launch(args, root)


def _key(root: str, name: str) -> str:
    # gin files state as macros what must be given.
    if name in ("init", "input"):
        return f"{root.upper()}_{name.upper()}"
    return f"runs.{root}.{name}"
