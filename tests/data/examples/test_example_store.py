"""What is written comes back by index, from any number of shards."""

import numpy as np
import pytest

from electra_bench.data.examples import store as example_store
from electra_bench.data.examples.store import ExampleStore, ExampleWriter


def example(n):
    return {
        "input_ids": np.arange(n, dtype=np.int32),
        "values": np.full(n % 2, 0.5, np.float32),
        "text": f"row {n} é",
        "answers": [str(n)],
    }


def test_rows_come_back_by_index(tmp_path):
    directories = [str(tmp_path / name) for name in "ab"]
    rows = [[3, 0, 5], [1, 7]]
    for directory, numbers in zip(directories, rows, strict=True):
        with ExampleWriter(directory) as writer:
            for number in numbers:
                writer.append(example(number))
    store = ExampleStore(directories)
    assert len(store) == 5
    assert store.lengths("input_ids").tolist() == [3, 0, 5, 1, 7]
    for index in (4, 0, 2, 1, 3):
        expected = example([3, 0, 5, 1, 7][index])
        found = store[index]
        assert found["text"] == expected["text"]
        assert found["answers"] == expected["answers"]
        np.testing.assert_array_equal(found["input_ids"], expected["input_ids"])
        np.testing.assert_array_equal(found["values"], expected["values"])
    with pytest.raises(IndexError, match="row 5 of a store with 5 rows"):
        store[5]


def test_values_are_counted_over_all_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(example_store, "COUNTED", 4)  # several parts of a shard
    directories = [str(tmp_path / name) for name in "ab"]
    for directory, numbers in zip(directories, ([3, 0, 5], [1, 7]), strict=True):
        with ExampleWriter(directory) as writer:
            for number in numbers:
                writer.append(example(number))
    store = ExampleStore(directories)
    assert store.counts("input_ids", 9).tolist() == [4, 3, 3, 2, 2, 1, 1, 0, 0]
    assert store.num_distinct("input_ids") == 7


def test_bulk_rows_equal_single_ones(tmp_path):
    with ExampleWriter(str(tmp_path / "bulk")) as writer:
        values = np.array([1, 2, 3, 4], np.uint16)
        writer.append_rows("input_ids", values, np.array([3, 0, 1]))
    store = ExampleStore([str(tmp_path / "bulk")])
    assert [store.row("input_ids", i).tolist() for i in range(3)] == [
        [1, 2, 3],
        [],
        [4],
    ]


def test_features_of_different_length_are_an_error(tmp_path):
    writer = ExampleWriter(str(tmp_path / "x"))
    writer.append_rows("a", np.zeros(2, np.int32), np.array([1, 1]))
    writer.append_rows("b", np.zeros(2, np.int32), np.array([2]))
    with pytest.raises(ValueError, match="different numbers of rows"):
        writer.close()


def test_another_dtype_is_an_error(tmp_path):
    writer = ExampleWriter(str(tmp_path / "x"))
    writer.append({"a": np.zeros(1, np.int32)})
    with pytest.raises(ValueError, match="'a' was int32, got float32"):
        writer.append({"a": np.zeros(1, np.float32)})
