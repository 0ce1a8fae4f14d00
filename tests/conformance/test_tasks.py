"""The conformance checks over all registered downstream tasks, on the data there are."""

import functools
import os
from pathlib import Path

import pytest

from electra_bench import registry
from electra_bench.conformance import tasks
from electra_bench.conformance.check import NotChecked
from electra_bench.data import run_context

DATA = Path(__file__).resolve().parents[3] / "shared/data"
# What shared/data has in part, and what it has not, as its README says.
SUBSETS = {
    "duorc": {"dev"},
    "mnli": {"train", "dev_matched", "dev_mismatched"},
    "naturalqs": {"train", "dev"},
    "newsqa": {"train"},
    "qnli": {"train"},
    "qqp": {"train", "dev"},
    "race": {"dev"},
    "relation_extraction": {"dev"},
    "searchqa": {"train", "dev"},
    "squad": {"train"},
    "squadv1": {"train"},
    "triviaqa": {"train", "dev"},
}
WITHOUT_DATA = {"bioasq", "drop", "ner", "textbookqa"}
# Samples, and one part of SQuAD's development set.
FILES = {
    "newsqa": {"train": "mrqa/newsqa/official-sample.jsonl"},
    "squad": {"train": "squad/dev-v2.0.cs224n-half.json"},
    # The whole is read in tests/tasks/test_qa.py.
    "squadv1": {"train": "squad/train-v1.1.subset.json"},
    **{
        task: dict.fromkeys(("train", "dev"), f"mrqa/{task}/sample.jsonl")
        for task in ("naturalqs", "searchqa", "triviaqa")
    },
}
# What is asked here is whether files that are read again say the same.
READ_AGAIN = {"reading_twice_gives_the_same", "hashes_follow_source_and_preprocessing"}
ABSENT = {"mnli": {"test_matched", "test_mismatched"}, "qqp": {"test"}}


def downstream_tasks() -> list[str]:
    """Names of the tasks that are fine-tuned on; corpora have a schema of their own."""
    names = registry.tasks.names()
    kinds = registry.kinds.names()
    downstream = [n for n in names if registry.tasks.get(n).kind in kinds]
    return [name for name in downstream if name not in WITHOUT_DATA]


@pytest.fixture(scope="module")
def surroundings():
    with tasks.surroundings(str(DATA)):
        yield


@functools.lru_cache(maxsize=8)
def read(loaded, split):
    """What the source reads, kept for several checks."""
    source = loaded.task.source
    return type(source).examples(source, split)


@pytest.fixture(scope="module", params=downstream_tasks())
def loaded(request, surroundings):
    name = request.param
    with run_context.use(files=FILES.get(name, {})):
        loaded = tasks.Loaded(name)
        try:
            read(loaded, loaded.card.eval_split)
        except FileNotFoundError:
            if DATA.is_dir() or os.environ.get("CI"):
                raise
            pytest.skip(f"{DATA} is absent: {name} reads its files")
        yield loaded


@pytest.fixture
def read_once(loaded, monkeypatch):
    """Several checks share what one of them has read, which takes the most time."""
    monkeypatch.setattr(loaded.task.source, "examples", functools.partial(read, loaded))


def not_applicable(loaded) -> set[str]:
    """The checks that say nothing of a task, as it is here."""
    card, name = loaded.card, loaded.name
    checks = set()
    if not card.splits or name in {**SUBSETS, **FILES, **ABSENT}:
        checks |= {"sizes_are_those_published"}
    if card.kind in ("tagging", "span_qa") or card.trained_on:
        checks |= {"seqios_evaluator_scores_it"}
    if card.kind == "span_qa" or card.trained_on:
        checks |= {"right_answers_score_best"}
    measured = {card.train_split, card.eval_split} & SUBSETS.get(name, set())
    if card.kind in ("regression", "span_qa") or card.trained_on or measured:
        checks |= {"the_floor_is_that_of_the_most_frequent_answer"}
    return checks


@pytest.mark.parametrize(
    "check",
    [*tasks.CARD_CHECKS, *tasks.DATA_CHECKS],
    ids=lambda check: check.__name__,
)
def test_it_conforms(loaded, check, request):
    if check.__name__ not in READ_AGAIN:
        request.getfixturevalue("read_once")
    if check.__name__ in not_applicable(loaded):
        with pytest.raises(NotChecked):
            check(loaded)
    else:
        check(loaded)


@pytest.mark.usefixtures("read_once")
def test_published_sizes_are_the_files(loaded):
    name = loaded.card.name
    for split, size in loaded.card.splits.items():
        if split in ABSENT.get(name, ()):
            with pytest.raises(FileNotFoundError):
                loaded.size(split)
            continue
        found = loaded.size(split)
        if split in SUBSETS.get(name, ()):
            assert 0 < found < size, split
        else:
            assert found in (size, None), split
