"""Lists of a folder's files, and files that are called so and are none."""

import pytest

from electra_bench.system.inventory import (
    FILE_NAME,
    damages_if_listed,
    write_inventory,
)


@pytest.mark.parametrize(
    "theirs", ['["a.index"]', '{"files": []}', '{"made": 1}', "3", '"files"', "null"]
)
def test_a_list_of_somebody_elses_says_nothing(theirs, tmp_path):
    (tmp_path / FILE_NAME).write_text(theirs)
    assert damages_if_listed(str(tmp_path), all=True) == []


def test_a_damaged_list_says_that_it_is(tmp_path):
    (tmp_path / "a").write_text("b")
    assert damages_if_listed(str(tmp_path)) == []
    write_inventory(str(tmp_path))
    assert damages_if_listed(str(tmp_path), all=True) == []
    path = tmp_path / FILE_NAME
    path.write_text(path.read_text()[:-3])
    assert damages_if_listed(str(tmp_path)) == [f"{FILE_NAME} cannot be read"]
    path.unlink()
    path.mkdir()
    assert damages_if_listed(str(tmp_path)) == []
