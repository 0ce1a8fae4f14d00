"""A part of a training set that settings are compared on."""

import numpy as np
import pytest

from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.records import TaskCard
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.held_out import held_out


def card(unit=None):
    fields = dict.fromkeys(
        ("summary", "builder", "main_metric", "source", "licence", "citation"), ""
    )
    return TaskCard("things", 1, "classification", splits={}, unit=unit, **fields)


def training_set(folder, groups):
    """Rows of one token; `groups` says of which group each is."""
    with ExampleWriter(str(folder / "rows")) as writer:
        for number, group in enumerate(groups):
            row = {"group": group} if group else {}
            ids = {"input_ids": [number], "example_id": [number]}
            arrays = {name: np.array(value, np.int32) for name, value in ids.items()}
            writer.append({**arrays, **row})
    return TaskExamples("things", 1.0, ExampleStore([str(folder / "rows")]), "sha")


def numbers(part):
    return [int(part.store.row("input_ids", i)[0]) for i in range(len(part.store))]


def test_about_the_share_is_held_out_and_the_same_every_time(tmp_path):
    train = training_set(tmp_path, [""] * 1000)
    rest, part = held_out(card(), train, 0.1)
    assert part.num_examples == 100
    assert sorted(numbers(rest) + numbers(part)) == list(range(1000))
    again = held_out(card(), train, 0.1)
    assert numbers(again[1]) == numbers(part)
    assert set(numbers(part)) < set(numbers(held_out(card(), train, 0.3)[1]))


@pytest.mark.parametrize("sizes", [[25, 25], [1] * 5, [1, 1, 500], [500, 1, 1]])
def test_few_and_unequal_groups_leave_something_on_both_sides(sizes, tmp_path):
    groups = [f"document {n}" for n, size in enumerate(sizes) for _ in range(size)]
    rest, part = held_out(card("document"), training_set(tmp_path, groups), 0.1)
    assert rest.num_examples > 0 and part.num_examples > 0


def test_groups_stay_whole(tmp_path):
    groups = [f"document {i // 10}" for i in range(500)]
    rest, part = held_out(card("document"), training_set(tmp_path, groups), 0.2)
    documents = [{number // 10 for number in numbers(one)} for one in (rest, part)]
    assert not documents[0] & documents[1] and len(documents[1]) > 3


def test_no_pair_is_held_out_of_its_other_order(tmp_path):
    with ExampleWriter(str(tmp_path / "rows")) as writer:
        for number in range(400):
            texts = [f"text {number // 2}", f"other {number // 2}"]
            first, second = texts if number % 2 else texts[::-1]
            row = {"id": str(number), "text_a": first, "text_b": second}
            ids = {"input_ids": [number], "example_id": [number]}
            writer.append({k: np.array(v, np.int32) for k, v in ids.items()} | row)
    store = ExampleStore([str(tmp_path / "rows")])
    rest, part = held_out(card(), TaskExamples("things", 1.0, store, "sha"), 0.2)
    pairs = [{number // 2 for number in numbers(one)} for one in (rest, part)]
    assert not pairs[0] & pairs[1] and len(numbers(part)) == 80


def test_a_part_is_a_store(tmp_path):
    rest, part = held_out(card(), training_set(tmp_path, [""] * 100), 0.5)
    store, rows = part.store, numbers(part)
    assert store[0]["input_ids"].tolist() == [rows[0]]
    assert store.lengths("input_ids").tolist() == [1] * len(rows)
    assert store.num_distinct("example_id") == len(rows) == len(store)
    assert np.flatnonzero(store.counts("input_ids", 100)).tolist() == sorted(rows)
    with pytest.raises(IndexError, match=f"row {len(rows)} of a store with"):
        store[len(rows)]


def test_too_few_groups(tmp_path):
    train = training_set(tmp_path, ["one document"] * 50)
    with pytest.raises(
        ValueError, match="belongs together .unit: document., so no part"
    ):
        held_out(card("document"), train, 0.1)
