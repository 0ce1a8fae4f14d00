import concurrent.futures
import functools
import gzip
import json
import os
import pathlib
import signal

import pytest

from electra_bench.system import atomic, interruption, inventory
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


def write_folder(path, content="x", **options):
    with atomic.complete_folder(str(path), **options) as partial:
        os.mkdir(os.path.join(partial, "inner"))
        for name in ("a", "inner/b"):
            pathlib.Path(partial, name).write_text(content)


def test_content_is_on_the_disk_before_its_name_is(tmp_path, power):
    atomic.write_text(str(tmp_path / "text"), "x")
    write_folder(tmp_path / "deep" / "er" / "folder")
    write_folder(tmp_path / "deep" / "er" / "folder", "y", overwrite=True)
    atomic.make_folder(str(tmp_path / "one" / "two"))
    atomic.write_together(str(tmp_path / "one"), {"a": b"1", "b": b"2"})
    power.check()
    assert (tmp_path / "deep" / "er" / "folder" / "inner" / "b").read_text() == "y"


def test_the_watch_sees_what_is_lost(tmp_path, power):
    (tmp_path / "half").write_text("x")
    (tmp_path / "old").touch()
    os.replace(tmp_path / "half", tmp_path / "new")
    os.remove(tmp_path / "old")
    assert [loss.split()[1] for loss in power.losses] == ["comes", "goes"]
    with pytest.raises(pytest.fail.Exception, match="may be gone"):
        power.check()


def test_of_several_that_write_files_together_one_wins_with_all(tmp_path):
    (tmp_path / "other").write_text("stays")
    builds = [{f"{i}": bytes([n]) for i in range(40)} for n in range(4)]
    write = functools.partial(atomic.write_together, str(tmp_path))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(write, builds))
            found = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
            assert found.pop("other") == b"stays"
            assert found in builds


def test_files_that_cannot_all_be_written_change_nothing(tmp_path):
    atomic.write_together(str(tmp_path), {"a": b"old"})
    with pytest.raises(TypeError):
        atomic.write_together(str(tmp_path), {"a": b"new", "b": "no bytes"})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a": b"old"}
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic.write_together(str(tmp_path), {"a": b"new", "b": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"


def test_several_may_write_a_file_at_once(tmp_path):
    path = str(tmp_path / "a")
    with atomic.atomic_file(path) as first, atomic.atomic_file(path) as second:
        first.write(b"first")
        second.write(b"second, and longer")
    assert (tmp_path / "a").read_bytes() in (b"first", b"second, and longer")
    assert os.listdir(tmp_path) == ["a"]


def test_a_reader_sees_whole_files_while_several_write(tmp_path):
    path = tmp_path / "a"
    texts = [letter * size for letter, size in zip("abc", (10, 20_000, 5), strict=True)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = [pool.submit(atomic.write_text, str(path), text) for text in texts * 10]
        seen = {path.read_text() for _ in range(50) if path.exists()}
    assert all(future.result() is None for future in done)
    assert seen | {path.read_text()} <= set(texts) and os.listdir(tmp_path) == ["a"]


def test_a_link_that_lies_there_is_not_followed(tmp_path):
    others = tmp_path / "others"
    others.write_text("kept")
    for name in ("a.partial", ".a.partial", "a"):
        (tmp_path / name).symlink_to(others)
    atomic.write_text(str(tmp_path / "a"), "new")
    assert others.read_text() == "kept" and (tmp_path / "a").read_text() == "new"
    atomic.remove(str(tmp_path / "a.partial"))
    assert others.exists() and not (tmp_path / "a.partial").is_symlink()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_of_what_was_stopped(tmp_path, number, request):
    path = str(tmp_path / "f")
    # Below nohup one of them is ignored.
    request.addfinalizer(
        functools.partial(signal.signal, number, signal.getsignal(number))
    )
    signal.signal(number, signal.SIG_DFL)
    with (
        pytest.raises(KeyboardInterrupt, match=f"stopped by {number.name}"),
        interruption.as_ctrl_c(),
        atomic.complete_folder(path) as folder,
        atomic.atomic_file(path + "ile"),
    ):
        pathlib.Path(folder, "a").touch()
        signal.raise_signal(number)
    assert os.listdir(tmp_path) == []


def test_a_signal_that_is_ignored_stays_so(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruption.as_ctrl_c():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(tmp_path):
    path, left = str(tmp_path / "f"), tmp_path / ".f-abcd1234.partial"
    other = tmp_path / ".f-backup12"
    for folder in (left, other):
        folder.mkdir()
        (folder / "a").touch()
    with atomic.complete_folder(path) as first:
        pathlib.Path(first, "first").touch()
        with atomic.complete_folder(path) as second:
            pathlib.Path(second, "second").touch()
            assert pathlib.Path(first, "first").exists()
    assert sorted(os.listdir(tmp_path)) == [".f-backup12", "f"]
    assert os.listdir(path) == ["second"], "the first to end wins"


def test_a_new_folder_may_be_asked_for_again(tmp_path):
    path = str(tmp_path / "f")

    drawn = iter("123456789")

    def make(content):
        with atomic.new_folder(path, sign="a", varying={"b"}) as partial:
            pathlib.Path(partial, "a").write_text(content)
            pathlib.Path(partial, "b").write_text(next(drawn))

    (tmp_path / "f").mkdir()
    for _ in range(2):
        make("x")
    (tmp_path / "f" / "beside").touch()
    make("x")
    with pytest.raises(
        FileExistsError, match="exists, and is not what would be written"
    ):
        make("y")
    assert (tmp_path / "f" / "a").read_text() == "x"
    (tmp_path / "f" / "a").unlink()
    with pytest.raises(FileExistsError, match="exists; choose another folder"):
        make("x")
    assert os.listdir(tmp_path) == ["f"]


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
