"""`--hparams`: the original's dictionary in place of gin files."""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from electra_bench import config
from electra_bench.cli import gin_arguments
from electra_bench.cli.arguments import Options
from electra_bench.config.hparams import Translated, read_hparams
from electra_bench.system.atomic import make_folder, write_text


@dataclass(kw_only=True)
class Run(gin_arguments.Run):
    """What the original calls a run.

    Attributes:
        hparams: the original's hyper-parameters, as JSON or a file of it; with --data_dir
            and --model_name, instead of gin files
        model_name: with --hparams: the original's model_name
    """

    hparams: Annotated[str, Options(metavar="JSON")] | None = None
    model_name: str | None = None


def given_hparams(args: Run) -> tuple[dict[str, Any], str, str] | None:
    """The dictionary, the data folder and the model's name; None without a dictionary.

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
    return read_hparams(args.hparams), args.data_dir, args.model_name


def write_results(model_dir: str, name: str, lines: Iterable[str]) -> None:
    """Writes a file of the original's beside the model: `results/<name>_results.txt`."""
    folder = os.path.join(model_dir, "results")
    make_folder(folder)
    path = os.path.join(folder, f"{name}_results.txt")
    write_text(path, "".join(f"{line}\n" for line in lines))


def launch(args: Run, root: str, translated: Translated) -> Any:
    """Says what the dictionary became, and runs a root with it under code_v1."""
    print("--hparams became:")
    print("\n".join(f"  {line}" for line in translated.bindings))
    for note in translated.notes:
        print(f"  # {note}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        # A file, so that gin files and bindings of the command line override it.
        path = os.path.join(folder, "hparams.gin")
        Path(path).write_text("\n".join(translated.bindings) + "\n", "utf-8")
        files = (f"runs/{root}.gin", "protocols/code_v1.gin", path)
        args.gin_file = [*files, *args.gin_file]
        try:
            return gin_arguments.launch(args, root)
        except config.ConfigError as error:
            # Its lines are those that were printed.
            message = str(error).replace(path, "--hparams")
            raise config.ConfigError(message) from error
