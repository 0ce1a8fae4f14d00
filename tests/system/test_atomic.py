import gzip
import json
import os
import pathlib

import pytest

from electra_bench.system import atomic, inventory
from electra_bench.system.inventory import damages, made


def test_a_file_is_there_complete_or_not_at_all(tmp_path):
    path = str(tmp_path / "a.json")
    atomic.write_json(path, {"a": "é"}, indent=1, ensure_ascii=False)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"a": "é"}
    with pytest.raises(RuntimeError), atomic.atomic_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(path, "\ud800")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"a": "é"}
    assert os.listdir(tmp_path) == ["a.json"]
    with atomic.atomic_file(path, gzip.open) as file:
        file.write(b"packed")
    assert gzip.decompress((tmp_path / "a.json").read_bytes()) == b"packed"


def test_content_is_on_the_disk_before_its_name_is(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace", "rename"):
        real = getattr(os, name)

        def call(*args, name=name, real=real):
            calls.append(name)
            return real(*args)

        monkeypatch.setattr(os, name, call)
    atomic.write_text(str(tmp_path / "text"), "x")
    assert calls == ["fsync", "replace", "fsync"]
    calls.clear()
    with atomic.complete_folder(str(tmp_path / "folder")) as partial:
        os.mkdir(os.path.join(partial, "inner"))
        for name in ("a", "inner/b"):
            with open(os.path.join(partial, name), "w") as file:
                file.write(name)
    # Two files, two folders; then the name, and the folder that it stands in.
    assert calls == ["fsync"] * 4 + ["rename", "fsync"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_replaced_only_where_that_is_wanted(overwrite, tmp_path):
    for content in ("first", "second"):
        with atomic.complete_folder(str(tmp_path / "f"), overwrite) as partial:
            pathlib.Path(partial, "a").write_text(content)
    assert (tmp_path / "f" / "a").read_text() == ("second" if overwrite else "first")
    assert os.listdir(tmp_path) == ["f"]


def test_an_inventory_knows_what_was_written(tmp_path, monkeypatch):
    folder = str(tmp_path / "f")
    with atomic.complete_folder(folder, inventory=True) as partial:
        os.mkdir(os.path.join(partial, "inner"))
        for name in ("a", "inner/b", "c"):
            with open(os.path.join(partial, name), "w") as file:
                file.write("12345")
    assert damages(folder) == damages(folder, all=True) == []
    assert set(made(folder)) == {"time", "command"}
    (tmp_path / "f" / "a").write_text("123")
    (tmp_path / "f" / "inner" / "b").write_text("12346")
    (tmp_path / "f" / "c").unlink()
    a_and_c = ["a has 3 bytes, not 5", "c is missing"]
    b = "inner/b has another content than was written"
    assert damages(folder) == damages(folder, all=True) == [*a_and_c, b]
    monkeypatch.setattr(inventory, "READ_BYTES", 4)  # larger ones: their sizes only
    assert damages(folder) == a_and_c and damages(folder, all=True) == [*a_and_c, b]
    for broken in ("", "[]", '{"files": {"a": {"bites": 5}}}', '{"files": [1]}'):
        (tmp_path / "f" / "files.json").write_text(broken)
        assert damages(folder) == ["files.json cannot be read"]
    assert made(folder) is None
