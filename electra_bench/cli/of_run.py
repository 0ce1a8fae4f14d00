"""Verbs whose first argument is a pre-training run that scores texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from electra_bench.cli import gin_arguments
from electra_bench.cli.arguments import Options, RunDir
from electra_bench.records.run_folder import config_of

# Equal to objectives.pseudo_likelihood.METHODS, whose module loads TensorFlow.
METHODS = ("electric", "electra_tt", "two_tower", "mlm")


@dataclass(kw_only=True)
class OfRun(gin_arguments.Run, RunDir):
    """A run, and how it scores.

    Attributes:
        run_dir: folder of a pre-training run
        method: how to score: energies of Electric; ELECTRA's discriminator with two
            towers; the two towers alone; a masked language model, one pass a token
            (default: what the run was trained for)
    """

    method: Annotated[str, Options(choices=METHODS)] | None = None


def launch(args: OfRun, root: str, parameters: Sequence[str]) -> Any:
    """Runs a root on a run, as the run's own configuration and the arguments say.

    Args:
        args: as given.
        root: `score` or `rerank`.
        parameters: those of the root that flags of the same names stand for; what was not
            given keeps its binding.

    Raises:
        FileNotFoundError: no such run.
    """
    args.gin_file = [f"runs/{root}.gin", config_of(args.run_dir), *args.gin_file]
    given = {name: getattr(args, name) for name in ("method", *parameters, "workdir")}
    # Not the macro WORKDIR, which is where the run itself lies.
    args.workdir = None
    args.gin_param += [
        f"{_key(root, name)} = {value!r}"
        for name, value in {"init": args.run_dir, **given}.items()
        if value is not None
    ]
    return gin_arguments.launch(args, root)


def _key(root: str, name: str) -> str:
    # gin files state as macros what must be given.
    if name in ("init", "input"):
        return f"{root.upper()}_{name.upper()}"
    return f"runs.{root}.{name}"
