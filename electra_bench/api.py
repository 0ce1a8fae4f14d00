"""The verbs as functions: `import electra_bench as eb`.

    eb.pretrain(config=["models/tiny.gin"], corpus="pydoc", vocab="vocab.txt")
    eb.finetune(task="rte", init="runs/pretrain-electra-s0", seed=[0, 1])
    eb.records("runs").groupby(["row", "task"])["score"].mean()
    eb.leaderboard("runs").to_pandas()

Arguments are the parameters of the root (`runs/finetune.py`) and the macros of its run file
(`gin/runs/finetune.gin`), in lower case. What every function takes besides:

- `config`: a gin file or several, read after the run file;
- `bindings`: keys of gin to values, `{"training.loop.keep": 2}`;
- `plugins`: a module or file to load first, or several;
- `overwrite`, `accept_code`: as the flags of the command line.

A call does what the command does: it resumes what was broken off, returns the record of
what is done, and leaves no binding in gin. Errors are exceptions, with the command's words.
"""

import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from electra_bench import config as gin_files
from electra_bench.records import RunRecord
from electra_bench.records.run_folder import config_of, fine_tuned_record, scored_task
from electra_bench.reports.collect.records import records_of
from electra_bench.reports.frame import records_frame
from electra_bench.reports.render.write import build_table
from electra_bench.reports.table import Table
from electra_bench.system.near_names import near_and_all
from electra_bench.system.tensorflow_import import import_tensorflow

if TYPE_CHECKING:
    import pandas

    from electra_bench.runs.predict import SplitPredictions

Path = str | os.PathLike[str]

# What the macros of a run file may begin with, beside the name of an argument.
PREFIXES = {
    "pretrain": "PRETRAIN_",
    "finetune": "FINETUNE_",
    "evaluate": "EVAL_",
    "predict": "PREDICT_",
    "score": "SCORE_",
}


def pretrain(**arguments: Any) -> RunRecord:
    """Pre-trains an encoder, see `runs.pretrain.pretrain`.

    Args:
        **arguments: `corpus`, `vocab`, `model`, `objective`, `train_steps`,
            `learning_rate`, `seed`, ..., and those of the module's docstring.

    Raises:
        TypeError: an argument that `pretrain` does not have.
        ValueError, KeyError, OSError: as the command says it.
    """
    return _launch("pretrain", [], arguments)


def finetune(**arguments: Any) -> list[RunRecord]:
    """Fine-tunes an encoder and scores it, once for every seed.

    See `runs.finetune.finetune`.

    Args:
        **arguments: `task`, `init`, `seed`, `epochs`, `learning_rate`, ..., and those of
            the module's docstring.

    Raises:
        TypeError: an argument that `finetune` does not have.
        ValueError, KeyError, OSError: as the command says it.
    """
    return _launch("finetune", [], arguments)


def evaluate(run: Path, **arguments: Any) -> RunRecord:
    """Scores the checkpoint of a run, see `runs.evaluate.evaluate`.

    Args:
        run: its folder.
        **arguments: `task` (the run's own by default), `split`, `data_dir`, ..., and those
            of the module's docstring.

    Raises:
        FileNotFoundError: no run there.
        TypeError: an argument that `evaluate` does not have.
        ValueError, KeyError, OSError: as the command says it.
    """
    given = {"task": scored_task(os.fspath(run)), **arguments, "init": run}
    return _launch("evaluate", [config_of(os.fspath(run))], given)


def predict(
    run: Path, task: str | None = None, split: str | None = None, **arguments: Any
) -> "list[SplitPredictions]":
    """What a fine-tuned run answers, see `runs.predict.predict`.

    Args:
        run: its folder.
        task: another task of the same kind and labels; None for those of the run.
        split: None for `test` of a task that has one, otherwise the one it is scored on.
        **arguments: `data_dir`, `files`, ..., and those of the module's docstring.

    Returns:
        A list with an item a task: `predictions` with ids, answers and scores, and
        `result` with their number and, where right answers are known, metrics.

    Raises:
        FileNotFoundError: no run there, or no examples.
        TypeError: an argument that `predict` does not have.
        ValueError, KeyError, OSError: as the command says it.
    """
    tasks = [task] if task else fine_tuned_record(os.fspath(run)).tasks
    given = {"parts": [(name, split) for name in tasks], **arguments, "init": run}
    return _launch("predict", [config_of(os.fspath(run))], given)


def score(run: Path, **arguments: Any) -> RunRecord:
    """Writes pseudo-log-likelihoods of texts, see `runs.score.score`.

    Args:
        run: folder of a pre-training run.
        **arguments: `input` and `output`, files, `method`, `tokens`, ..., and those of
            the module's docstring.

    Raises:
        FileNotFoundError: no run there.
        TypeError: an argument that `score` does not have.
        ValueError, KeyError, OSError: as the command says it.
    """
    files = [config_of(os.fspath(run))]
    return _launch("score", files, {**arguments, "init": run})


def records(source: Path | Sequence[Path | RunRecord]) -> "pandas.DataFrame":
    """A row for each result of each run, see `reports.frame.records_frame`.

    Args:
        source: a folder or several, searched with all below, or records.

    Raises:
        FileNotFoundError: no such folder.
    """
    return records_frame(records_of(source))


def leaderboard(
    source: Path | Sequence[Path | RunRecord],
    report: str = "leaderboard",
    tasks: Sequence[str] | None = None,
) -> Table:
    """A report on runs, the leaderboard unless another one is named.

    Args:
        source: see `records`.
        report: registered name.
        tasks: tasks to show; None leaves the choice to the report.

    Returns:
        The table; `to_pandas()` gives its cells as a DataFrame.

    Raises:
        FileNotFoundError: no such folder.
        KeyError: no such report.
        ValueError: the records have not what the report is about.
    """
    return build_table(records_of(source), report, tasks)


def _launch(root: str, files: Sequence[str], arguments: Mapping[str, Any]) -> Any:
    """Runs a root as its command does.

    Args:
        root: one of `PREFIXES`.
        files: gin files that come after its run file.
        arguments: of the call.
    """
    import_tensorflow()
    from electra_bench.runs.launch import launch

    run_file = f"runs/{root}.gin"
    given = dict(arguments)
    bindings = dict(given.pop("bindings", None) or {})
    further, plugins = (_paths(given.pop(name, None)) for name in ("config", "plugins"))
    flags = {name: given.pop(name, False) for name in ("overwrite", "accept_code")}
    keys = _keys(root, run_file)
    for name, value in given.items():
        if name not in keys:
            raise TypeError(
                f"{root} has no argument {name!r}; {near_and_all(name, sorted(keys))}"
            )
        bindings[keys[name]] = value
    return launch(root, [run_file, *files, *further], bindings, plugins, **flags)


def _paths(given: Path | Sequence[Path] | None) -> list[str]:
    """One path or several, as strings."""
    if isinstance(given, (str, os.PathLike)):
        return [os.fspath(given)]
    return [os.fspath(path) for path in given or ()]


def _keys(root: str, run_file: str) -> dict[str, str]:
    """Arguments to keys of gin: a macro of the run file, or a parameter of the root."""
    function = getattr(importlib.import_module(f"electra_bench.runs.{root}"), root)
    _, *parameters = inspect.signature(function).parameters
    keys = {name: f"runs.{root}.{name}" for name in parameters}
    bound = gin_files.read([run_file], []).bindings
    macros = [binding.key for binding in bound if not binding.parameter]
    if root in ("pretrain", "finetune"):
        # The macros of another verb's file are those of the run that it is about.
        keys |= {macro.lower(): macro for macro in macros}
    prefix = PREFIXES[root]
    own = [macro for macro in macros if macro.startswith(prefix)]
    return keys | {macro.removeprefix(prefix).lower(): macro for macro in own}
