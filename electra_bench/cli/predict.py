"""`electra-bench predict`."""

import contextlib
import itertools
import json
import math
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from electra_bench import registry
from electra_bench.cli import arguments, errors, gin_arguments, results
from electra_bench.cli.arguments import Json, Options
from electra_bench.records import write_predictions
from electra_bench.records.run_folder import config_of, fine_tuned_record
from electra_bench.system.atomic import make_folder, write_json, write_text
from electra_bench.system.tensorflow_import import import_tensorflow
from electra_bench.tasks import submissions

if TYPE_CHECKING:
    from electra_bench.runs.predict import SplitPredictions


class Form(NamedTuple):
    """A form of predictions.

    Attributes:
        kind: kind of the tasks that it is for; None for any.
        in_folder: whether the output is a folder.
    """

    kind: str | None
    in_folder: bool


FORMS = {
    "jsonl": Form(None, in_folder=True),
    "glue": Form(None, in_folder=False),
    "squad": Form("span_qa", in_folder=True),
    "mrqa": Form("span_qa", in_folder=True),
    "conll": Form("tagging", in_folder=False),
}


# A run's folder, and what it predicts for a split.
Planned = tuple[str, "SplitPredictions"]


@dataclass
class Predict(gin_arguments.OnError, gin_arguments.Bindings, Json):
    """Predicts splits of the tasks that a run was fine-tuned on.

    The test splits, or any other ones, with or without right answers.

    examples:
      electra-bench predict runs/small-rte-s0 runs/small-rte-s1 --output predictions
      electra-bench predict runs/small-*-s0 --format glue --output submission.zip \\
        --data_dir data
      electra-bench predict runs/small-mnli-s0 --task ax --output predictions
      electra-bench predict runs/small-squad-s0 --format squad --split dev --output answers
      electra-bench predict runs/small-chunk-s0 --format conll --output chunk.txt

    formats:
      jsonl  folder; <label>-<task>-<split>-s<seed>.jsonl.gz, a line an example: {"id": ...,
             "target": ..., "prediction": ..., "scores": ...}
      glue   .zip that GLUE's server takes; test splits only, one run a task, or one of
             several tasks. A run of mnli answers the diagnostic set, too.
      squad  folder; <task>-<split>-predictions.json, and -null_odds.json from models that
             can say that there is no answer
      mrqa   folder; <task>-<split>-predictions.json
      conll  file; a word a line, with its right and its predicted tag; _ for words that the
             length limit cut off, where they are not read in windows. Between blanks, or
             tabs if white space is in a word; words with a tab or a line end are refused

    Model, vocabulary and data folder are those of the run, unless bindings say otherwise.
    Scores are printed where right answers are known.

    Attributes:
        run_dirs: folder of a fine-tuned run
        output: folder or file, see below
        format: form of the output (default: jsonl)
        split: default: test, or what the task is scored on
        task: another task of the same kind and labels: ax by mnli, drop by newsqa
        null_threshold: of --format squad: no answer where the odds that there is none are
            above X (default: the best answer everywhere)
        dry_run: build everything, print what would be predicted, stop
        overwrite: replace output that exists
        json: print the results as one JSON object
    """

    run_dirs: list[Annotated[str, Options(metavar="RUN")]]
    _: KW_ONLY
    output: Annotated[str, Options(metavar="PATH")]
    format: Annotated[str, Options(choices=tuple(FORMS))] = "jsonl"
    split: str | None = None
    task: str | None = None
    null_threshold: float | None = None
    dry_run: bool = False
    overwrite: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "predict", Predict, run)


def run(args: Predict) -> None:
    """Writes the predictions and prints scores, where there are any.

    Raises:
        FileNotFoundError: a run or a file is missing.
        FileExistsError: there is output already.
        ValueError: a run or an argument that does not fit.
    """
    for run_dir in args.run_dirs:
        fine_tuned_record(run_dir)
    _check_output(args)
    if args.format == "glue":
        _check_glue(args)
    # All runs, before the first predicts: nothing wrong should be found in the middle.
    planned = list(_planned(args))
    _check_planned(args, planned)
    report = _Report(args)
    predicted = planned if args.dry_run else _predicted(args, planned)
    if args.format == "glue":
        _write_glue(args, predicted, report)
        return
    for run_dir, one in predicted:
        written = (_paths(args, one), {}) if args.dry_run else _write(args, one)
        report.add(run_dir, one, *written)
    report.finish()


def _planned(args: Predict) -> Iterator[Planned]:
    """What runs are to predict; of several runs no model stays in memory."""
    for run_dir in args.run_dirs:
        for one in _open(args, run_dir):
            if len(args.run_dirs) > 1:
                one.evaluator = None
            yield run_dir, one


def _predicted(args: Predict, planned: Sequence[Planned]) -> Iterator[Planned]:
    """Predicts the splits in their order, each when it is asked for."""
    errors.begin_work()
    for run_dir, group in itertools.groupby(planned, key=operator.itemgetter(0)):
        of_run = [one for _, one in group]
        for one in _open(args, run_dir) if len(args.run_dirs) > 1 else of_run:
            one.predict()
            yield run_dir, one


def _tasks(run_dir: str) -> list[str]:
    return list(fine_tuned_record(run_dir).tasks)


def _check_output(args: Predict) -> None:
    """Checks the output, as far as it can be known without TensorFlow."""
    path = args.output
    if args.null_threshold is not None and args.format != "squad":
        raise ValueError(f"--null_threshold is for --format squad, got {args.format}")
    if FORMS[args.format].in_folder:
        if os.path.exists(path) and not os.path.isdir(path):
            raise NotADirectoryError(
                f"--format {args.format} writes into a folder, but {path!r} is a file"
            )
        return
    from electra_bench.data.text.lines import check_output

    if args.format == "conll" and len(args.run_dirs) > 1:
        raise ValueError(
            f"--format conll writes the tags of one run, got {len(args.run_dirs)}"
        )
    check_output(path)
    _check_free(args, [path])


def _check_glue(args: Predict) -> None:
    """Checks that a task of GLUE has one run, and nothing that does not fit."""
    if args.split or args.task:
        raise ValueError(
            "--format glue predicts the test splits of every run's task; leave --split "
            "and --task out"
        )
    if not args.output.endswith(".zip"):
        raise ValueError(f"--format glue writes a .zip, got --output {args.output!r}")
    known = {_answered_by(file.task) for file in submissions.GLUE_FILES}
    first: dict[str, str] = {}
    for run_dir in args.run_dirs:
        tasks = _tasks(run_dir)
        if not known & set(tasks):
            raise ValueError(
                f"{run_dir!r} is a run of {', '.join(map(repr, tasks))}, which is not in "
                f"GLUE; its tasks are {', '.join(sorted(known))}"
            )
        for task in known & set(tasks):
            if task in first:
                raise ValueError(
                    f"{first[task]!r} and {run_dir!r} are both runs of {task!r}; a "
                    "submission has one a task"
                )
            first[task] = run_dir


def _answered_by(task: str) -> str:
    return registry.tasks.get(task).trained_on or task


def _open(args: Predict, run_dir: str) -> list["SplitPredictions"]:
    """Opens a run and finds the examples that it is to predict."""
    import_tensorflow()
    from electra_bench.runs.launch import launch

    tasks = _tasks(run_dir)
    parts = [(task, args.split) for task in ([args.task] if args.task else tasks)]
    is_glue = args.format == "glue"
    if is_glue:
        parts = [
            (file.task, file.split)
            for file in submissions.GLUE_FILES
            if _answered_by(file.task) in tasks
        ]
    return launch(
        "predict",
        ["runs/predict.gin", config_of(run_dir)],
        [
            f"PREDICT_INIT = {run_dir!r}",
            f"runs.predict.parts = {parts!r}",
            f"runs.predict.submission = {is_glue}",
            *gin_arguments.overrides(args, "predict"),
        ],
        args.plugin,
        dry_run=True,
    )


def _check_planned(args: Predict, planned: Sequence[Planned]) -> None:
    """Checks kinds of tasks, and that no output is there or meant twice."""
    if args.format == "glue":
        if all(one.absent for _, one in planned):
            raise FileNotFoundError(f"nothing to predict: {planned[0][1].absent}")
        return
    kind = FORMS[args.format].kind
    made_by: dict[str, str] = {}
    for run_dir, one in planned:
        if kind and one.card.kind != kind:
            raise ValueError(
                f"--format {args.format} is for tasks of kind {kind}, but "
                f"{one.card.name!r}, which {run_dir!r} answers, is of kind "
                f"{one.card.kind}"
            )
        for path in _paths(args, one):
            if path in made_by and args.format == "conll":
                raise ValueError(
                    f"--format conll writes the tags of one task, but {run_dir!r} is a run "
                    f"of {_tasks(run_dir)}; give --task"
                )
            if path in made_by:
                raise ValueError(
                    f"{made_by[path]!r} and {run_dir!r} would both write {path!r}"
                )
            made_by[path] = run_dir
    _check_free(args, list(made_by))


def _check_free(args: Predict, paths: Sequence[str]) -> None:
    for path in paths:
        if os.path.exists(path) and not args.overwrite:
            raise FileExistsError(
                f"{path!r} exists; give --overwrite to replace it, or another --output"
            )


def _paths(args: Predict, one: "SplitPredictions") -> list[str]:
    """Files that answers go to, or might go to."""
    if args.format == "jsonl":
        return [os.path.join(args.output, f"{one.name}.jsonl.gz")]
    if args.format not in ("squad", "mrqa"):
        return [args.output]
    names = ["predictions", "null_odds"] if args.format == "squad" else ["predictions"]
    stem = os.path.join(args.output, f"{one.card.name}-{one.split}")
    return [f"{stem}-{name}.json" for name in names]


def _write_glue(args: Predict, predicted: Iterable[Planned], report: "_Report") -> None:
    """Writes GLUE's archive, once all runs have answered."""
    name_of = {(file.task, file.split): file.name for file in submissions.GLUE_FILES}
    absent = {
        file.name: f"no run of {_answered_by(file.task)!r} was given"
        for file in submissions.GLUE_FILES
    }
    tables = {}
    for run_dir, one in predicted:
        name = name_of[one.card.name, one.split]
        if one.absent:
            absent[name] = one.absent
            continue
        del absent[name]
        if not args.dry_run:
            tables[name] = submissions.glue_table(one.card, one.predictions)
        report.add(run_dir, one, [name], {})
    if not args.dry_run:
        submissions.write_archive(args.output, tables)
    report.finish(absent)


def _write(args: Predict, one: "SplitPredictions") -> tuple[list[str], dict[str, int]]:
    """Writes the answers of one run.

    Returns:
        The files, and what else is to be said.
    """
    paths, predictions = _paths(args, one), one.predictions
    if FORMS[args.format].in_folder:
        make_folder(args.output)
    if args.format == "jsonl":
        write_predictions(paths[0], predictions)
        return paths, {}
    if args.format == "conll":
        rows = (one.part.store[row] for row in one.part.first_rows())
        sentences = [
            submissions.Tagged(row["words"], row["tags"], prediction)
            for row, prediction in zip(rows, predictions, strict=True)
        ]
        write_text(paths[0], submissions.conll_text(sentences))
        return paths, {"words_cut_off": sum(map(submissions.num_cut_off, sentences))}
    found = submissions.squad_answers(predictions, args.null_threshold)
    write_json(paths[0], found, ensure_ascii=False)
    odds = submissions.null_odds(predictions) if paths[1:] else None
    if odds is not None:
        write_json(paths[1], odds, ensure_ascii=False)
        return paths, {}
    for path in paths[1:]:
        # What an earlier model left does not belong to these answers.
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    return paths[:1], {}


class _Report:
    """Prints what was predicted, as it is done or as one JSON object; or what would be."""

    def __init__(self, args: Predict):
        self._args = args
        self._results: list[dict[str, Any]] = []
        if args.dry_run and not args.json:
            print("dry run: nothing is predicted")

    def add(
        self,
        run_dir: str,
        one: "SplitPredictions",
        files: list[str],
        more: dict[str, int],
    ) -> None:
        """Takes a run's answers to one split and where they went."""
        result, task, split = one.result, one.card.name, one.split
        size = result.num_examples if result else one.part.num_examples
        shown = {"run": run_dir, "task": task, "split": split, "examples": size}
        if result:
            shown["metrics"] = {
                name: value if math.isfinite(value) else None
                for name, value in result.metrics.items()
            }
            shown["marks"] = dict(result.marks)
        self._results.append({**shown, "files": files, **more})
        if self._args.json:
            return
        print(f"{run_dir}: {task}, {split}, {size} examples")
        if result:
            results.print_metrics(result)
            results.print_marks(result)
        for name, value in more.items():
            print(f"  {name.replace('_', ' ')} = {value}")
        written = "written" if result else "to be written"
        print(f"  {written}: {', '.join(files)}", flush=True)

    def finish(self, absent: dict[str, str] | None = None) -> None:
        """Ends the report.

        Args:
            absent: files that GLUE's archive lacks, and why; None for other forms.
        """
        path = self._args.output
        if self._args.json:
            shown: dict[str, Any] = {"output": path, "results": self._results}
            if self._args.dry_run:
                shown["dry_run"] = True
            if absent is not None:
                shown["absent"] = [{"file": f, "why": absent[f]} for f in absent]
            print(json.dumps(shown))
        elif absent is not None:
            total = len(submissions.GLUE_FILES)
            print(f"{path}: {total - len(absent)} of {total} files")
            for name, why in absent.items():
                print(f"  absent: {name}: {why}")
