"""Checks the cells of a suite, in a process of its own, which loads TensorFlow.

    python -m electra_bench.runs.suite_check QUESTION.json ANSWERS.json

The suite itself stays light for all the hours that it takes.
"""

import dataclasses
import functools
import inspect
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import gin
import seqio

from electra_bench import config, registry
from electra_bench.data import run_context
from electra_bench.records import RunRecord
from electra_bench.runs import building, corpora
from electra_bench.runs.answers import ANSWERED, Answer, answer
from electra_bench.runs.launch import load, model_files, parse, register_file_tasks
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.task_data import (
    chosen_by,
    chosen_splits,
    content_name,
    further_splits,
    trainable_card,
)
from electra_bench.suites.cell import Cell, in_order
from electra_bench.tasks.corpora.examples import corpus_fingerprint
from electra_bench.tasks.corpora.sources import CorpusSource
from electra_bench.tasks.fingerprints import data_sha256
from electra_bench.tasks.registration import load_task

# What checks of a configuration raise.
FINDINGS = (ValueError, KeyError, OSError, ImportError)
# What an objective gives to the builder of its encoders.
SUPPLIED = (
    *("variables", "name", "vocab_size", "embeddings", "width", "depth"),
    *("direction", "projected"),
)
# Stands for a budget that is not known yet.
SOME_FLOPS = 1e15


class MissingData(FileNotFoundError):
    """A task's files are not there."""


@dataclasses.dataclass(frozen=True)
class Checked:
    """What is known of a cell.

    Attributes:
        error: why it cannot run; None if nothing speaks against it.
        missing: instead, which data its task lacks.
        state: what lies in its folder, see `Answer`; None if that depends on a cell that
            has to run first.
        reason: why it is something else.
    """

    error: str | None = None
    missing: str | None = None
    state: str | None = None
    reason: str = ""


def check(cells: Sequence[Cell], plugins: Sequence[str]) -> dict[str, Checked]:
    """Checks every cell: names, parameters, data, and what its folder already holds.

    Args:
        cells: the cells.
        plugins: modules or files to load.

    Returns:
        Ids of cells to what is known of them.
    """
    for remembered in (_pretrained, _split_sha256):
        remembered.cache_clear()
    found: dict[str, Checked] = {}
    records: dict[str, RunRecord] = {}
    for cell in in_order(cells):
        try:
            known = _check(cell, plugins, records)
        except MissingData as error:
            found[cell.cell_id] = Checked(missing=_sentence(error))
            continue
        except FINDINGS as error:
            found[cell.cell_id] = Checked(error=_sentence(error))
            continue
        if known is None:
            found[cell.cell_id] = Checked()
            continue
        found[cell.cell_id] = Checked(state=known.state, reason=known.reason)
        if known.state == ANSWERED:
            records[cell.cell_id] = known.record
    return found


def _check(
    cell: Cell, plugins: Sequence[str], records: Mapping[str, RunRecord]
) -> Answer | None:
    flops = records[cell.flops_of].train_flops if cell.flops_of in records else None
    overrides = cell.overrides(SOME_FLOPS if cell.flops_of and flops is None else flops)
    files = [*model_files(cell.verb, cell.files, overrides), *cell.files]
    parsed = parse(files, overrides, plugins)
    config.require_bound(f"runs.{cell.verb}", ("session",))
    if cell.needs is None:
        pretrained = _pretrained(parsed.value(f"runs.{cell.verb}.init"))
        content = _start_content(cell, parsed, pretrained)
    else:
        record = records.get(cell.needs)
        content = {
            "init": record and record.checkpoint_sha256,
            "vocabulary": record and record.vocab_sha256,
        }
    folder = parsed.value(f"runs.{cell.verb}.data_dir")
    files = parsed.value(f"runs.{cell.verb}.files")
    on_error = parsed.value(f"runs.{cell.verb}.on_error")
    register_file_tasks(
        parsed, cell.task, data_dir=folder, files=files, on_error=on_error
    )
    with run_context.use(data_dir=folder or run_context.current().data_dir):
        content |= _task_data(parsed) if cell.task else _corpus_data(parsed)
    if cell.needs is None:
        given = parsed.value(f"runs.{cell.verb}.model")
        model = given or pretrained.of_record("model") or "electra"
        registry.models.load(model)
        config.require_bound(f"models.{model}", SUPPLIED)
    if any(name not in records for name in cell.waits_for):
        return None
    return answer(cell.run_dir, parsed, content, _default)


def _default(key: str) -> Any:
    """The default of a parameter, by its builder's signature."""
    selector, _, parameter = key.rpartition("/")[2].rpartition(".")
    kind, _, name = selector.partition(".")
    load(kind, name)
    builder = gin.get_configurable(selector)
    # gin's wrapper of a class takes anything; its __init__ has the parameters.
    function = builder.__init__ if inspect.isclass(builder) else builder
    parameters = inspect.signature(function).parameters
    return parameters[parameter].default if parameter in parameters else None


@functools.cache
def _pretrained(init: str | None) -> Pretrained:
    """Once for all tasks and seeds: a large checkpoint takes a while to hash."""
    return find_pretrained(init)


def _start_content(
    cell: Cell, parsed: config.Parsed, pretrained: Pretrained
) -> dict[str, str | None]:
    """Hashes of checkpoint and vocabulary."""
    path = building.find_vocabulary(
        parsed.value(f"runs.{cell.verb}.vocab"), pretrained.folder
    )
    name = parsed.value(f"runs.{cell.verb}.vocabulary")
    tokens = building.open_vocabulary(name, path)
    return {"init": pretrained.sha256, "vocabulary": tokens.sha256}


def _task_data(parsed: config.Parsed) -> dict[str, str]:
    card = trainable_card(parsed.value("runs.finetune.task"))
    content = chosen_by(
        parsed.value("training.loop.best_metric"),
        parsed.value("training.loop.higher_is_better") is not False,
    )
    files = parsed.value("runs.finetune.files") or {}
    base = run_context.current().data_dir
    on_error = parsed.value("runs.finetune.on_error")
    chosen = chosen_splits(card, parsed.value("runs.finetune.splits"))
    for split in (*chosen, *further_splits(card, chosen[1])):
        try:
            content[content_name(card, split)] = _split_sha256(
                card.name, split, base, json.dumps(files), on_error
            )
        except MissingData:
            if split in chosen:
                raise
    return content


@functools.cache
def _split_sha256(
    task: str, split: str, data_dir: str | None, files: str, on_error: str | None
) -> str:
    """Once for all models and seeds."""
    with run_context.use(data_dir=data_dir, files=json.loads(files), on_error=on_error):
        try:
            return data_sha256(load_task(task), split)
        except FileNotFoundError as error:
            raise MissingData(f"{task}: {error}") from error


def _corpus_data(parsed: config.Parsed) -> dict[str, str]:
    registry.objectives.origin(parsed.value("runs.pretrain.objective"))
    name = corpora.register(
        parsed.value("runs.pretrain.corpus"),
        parsed.value("runs.pretrain.corpora"),
        parsed.value("runs.pretrain.data_dir"),
    )
    corpus = load_task(name)
    parts = corpus.tasks if isinstance(corpus, seqio.Mixture) else [corpus]
    return {
        f"data of {part.name}": corpus_fingerprint(part.source, "train")
        if isinstance(part.source, CorpusSource)
        else data_sha256(part, "train")
        for part in parts
    }


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.strerror.lower()}: {str(error.filename)!r}"
    text = str(error.args[0]) if type(error) is KeyError else str(error)
    return " ".join(text.split())


def main(question: str, answers: str) -> None:
    """Reads cells and plugins from one JSON file and writes another."""
    with open(question, encoding="utf-8") as file:
        asked = json.load(file)
    cells = [Cell(**{**cell, "files": tuple(cell["files"])}) for cell in asked["cells"]]
    checked = check(cells, asked["plugins"])
    with open(answers, "w", encoding="utf-8") as file:
        json.dump({name: dataclasses.asdict(c) for name, c in checked.items()}, file)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(*sys.argv[1:])
