"""Checks the cells of a suite, in a process of its own, which loads TensorFlow.

    python -m electra_bench.runs.suite_check QUESTION.json ANSWERS.json

The suite itself stays light for all the hours that it takes.
"""

import dataclasses
import functools
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import seqio

from electra_bench import config, registry
from electra_bench.data import run_context
from electra_bench.models.factory import SUPPLIED
from electra_bench.records import RunRecord
from electra_bench.registry.parameters import default_of
from electra_bench.runs.identity import DATA_OF, chosen_by
from electra_bench.runs.launch import configure
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.suite_outdated import compared
from electra_bench.suites.cell import Cell, in_order
from electra_bench.suites.plan import Checked
from electra_bench.tasks.corpora.configured import register_corpora
from electra_bench.tasks.corpora.examples import corpus_fingerprint
from electra_bench.tasks.corpora.sources import CorpusSource
from electra_bench.tasks.fingerprints import data_sha256
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.task_data import (
    chosen_splits,
    content_name,
    further_splits,
    trainable_card,
)
from electra_bench.vocabularies.load import open_vocabulary

# What checks of a configuration raise.
FINDINGS = (ValueError, KeyError, OSError, ImportError)


class MissingData(FileNotFoundError):
    """A task's files are not there."""


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
            found[cell.cell_id] = _check(cell, plugins, records)
        except MissingData as error:
            found[cell.cell_id] = Checked(missing=_sentence(error))
        except FINDINGS as error:
            found[cell.cell_id] = Checked(error=_sentence(error))
    return found


def _check(
    cell: Cell, plugins: Sequence[str], records: dict[str, RunRecord]
) -> Checked:
    """What lies in the cell's folder, if that can be told yet; adds its record."""
    is_known = records.keys() >= set(cell.waits_for)
    overrides = cell.overrides(cell.found(records) if is_known else cell.supposed)
    parsed = configure(cell.verb, cell.files, overrides, plugins)

    def value(parameter: str) -> Any:
        return parsed.value(f"runs.{cell.verb}.{parameter}")

    if cell.verb == "finetune" and value("init_at") is not None:
        raise ValueError(
            f"runs.finetune.init_at is {value('init_at')!r}, which cells of a suite do not "
            "take: their folders have other names; give it to finetune"
        )
    if cell.needs is None:
        start = _pretrained(value("init"))
        tokenizer = open_vocabulary(value("vocabulary"), value("vocab"), start.folder)
        content = {"init": start.sha256, "vocabulary": tokenizer.sha256}
        model = value("model") or start.of_record("model") or "electra"
    else:
        record = records.get(cell.needs)
        content = {
            "init": record and record.checkpoint_sha256,
            "vocabulary": record and record.vocab_sha256,
        }
        model = value("model") or (record and record.model) or "electra"
    with run_context.use(data_dir=value("data_dir") or run_context.current().data_dir):
        content |= _task_data(parsed) if cell.task else _corpus_data(parsed)
    if cell.needs is None:
        registry.models.load(model)
        config.require_bound(f"models.{model}", SUPPLIED)
    if not is_known:
        return Checked()
    found, code = compared(cell, parsed, content, model, default_of)
    if found.record:
        records[cell.cell_id] = found.record
    return Checked(
        state=found.state,
        reason=found.reason,
        code=code,
        is_done=found.record is not None,
    )


@functools.cache
def _pretrained(init: str | None) -> Pretrained:
    """Once for all tasks and seeds: a large checkpoint takes a while to hash."""
    return find_pretrained(init)


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
    scored = (chosen[1], *further_splits(card, chosen[1]))
    if parsed.value("runs.finetune.held_out"):
        scored = ()
    for split in (chosen[0], *scored):
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
    name = register_corpora(
        parsed.value("runs.pretrain.corpus"),
        parsed.value("runs.pretrain.corpora"),
        parsed.value("runs.pretrain.data_dir"),
    )
    corpus = load_task(name)
    parts = corpus.tasks if isinstance(corpus, seqio.Mixture) else [corpus]
    return {
        f"{DATA_OF}{part.name}": corpus_fingerprint(part.source, "train")
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
