"""A byte that is not what was written is never read, wherever it stands."""

import numpy as np
import pytest

from electra_bench.data.examples import block_sums
from electra_bench.data.examples.block_sums import DamagedExamples
from electra_bench.data.examples.store import ExampleStore, ExampleWriter

ROWS, LENGTH = 40, 10


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Rows of 40 bytes, in blocks of 64: most rows lie in two."""
    monkeypatch.setattr(block_sums, "BLOCK_BYTES", 64)
    with ExampleWriter(str(tmp_path / "rows")) as writer:
        for number in range(ROWS):
            values = np.arange(LENGTH, dtype=np.int32) + number
            writer.append({"input_ids": values, "text": f"row {number}"})
    return tmp_path / "rows"


def read_all(folder):
    store = ExampleStore([str(folder)])
    return [store[number] for number in range(ROWS)]


def flip(path, place, bit=0):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "size"),
    [
        ("input_ids.int32.values", ROWS * LENGTH * 4),
        ("input_ids.ends", ROWS * 8),
        ("rest.jsonl", 750),
        ("rest.ends", ROWS * 8),
    ],
)
def test_every_flipped_bit_is_found(file, size, folder):
    whole = read_all(folder)
    assert abs((folder / file).stat().st_size - size) < 50
    rng = np.random.default_rng(0)
    for _ in range(12):
        place, bit = int(rng.integers((folder / file).stat().st_size)), rng.integers(8)
        flip(folder / file, place, int(bit))
        with pytest.raises(DamagedExamples, match="are not what was written; make the"):
            read_all(folder)
        flip(folder / file, place, int(bit))
    np.testing.assert_equal(read_all(folder), whole)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[", "{"),
        ("1", "2"),
        (
            ",",
            ".",
        ),
        ("input_ids", "inputXids"),
    ],
)
def test_damaged_sums_are_found(old, new, folder):
    path = folder / "crc32.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DamagedExamples, match="make the examples anew"):
        read_all(folder)


@pytest.mark.parametrize("size", [0, 4, 64, 796, 799])
def test_a_cut_file_is_refused(size, folder):
    path = folder / "input_ids.int32.values"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedExamples, match="blocks that were written|whole number"):
        ExampleStore([str(folder)])


def test_of_a_damaged_file_other_blocks_can_be_read(folder):
    flip(folder / "input_ids.int32.values", 70)  # in the second block
    store = ExampleStore([str(folder)])
    assert store.row("input_ids", 0)[-1] == 9
    assert store.row("input_ids", ROWS - 1)[-1] == 48
    for row in (1, 2):
        with pytest.raises(DamagedExamples, match="values: bytes 64 to 128 are not"):
            store.row("input_ids", row)
    with pytest.raises(DamagedExamples, match="bytes 64 to 128"):
        store.counts("input_ids", 50)
    with pytest.raises(DamagedExamples, match="bytes 64 to 128"):
        store.num_distinct("input_ids")


def test_folders_of_earlier_versions_have_no_sums(folder):
    whole = read_all(folder)
    (folder / "crc32.json").unlink()
    np.testing.assert_equal(read_all(folder), whole)
