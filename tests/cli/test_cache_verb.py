import hashlib
import json
import os
import pathlib
import shutil
import stat
import time

import pytest

from electra_bench.cli.main import main
from electra_bench.reports.collect.store import Store
from electra_bench.system.atomic import complete_folder
from electra_bench.system.file_hashes import REMEMBERED_BYTES, file_sha256


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(folder))
    for name in ("examples/rte-train-0a", "examples/cola-test-1b", "corpora/books-2c"):
        with complete_folder(str(folder / name), inventory=True) as partial:
            pathlib.Path(partial, "rows").write_text(name * 100)
    large = tmp_path / "large"
    large.write_bytes(b"x" * REMEMBERED_BYTES)
    os.utime(large, (time.time() - 100,) * 2)
    file_sha256(str(large))
    store = Store(str(folder / "reports" / "replicates.db"))
    store.put("a", b"b")
    store.save()
    for name in (".old-xyz", ".new-xyz"):
        (folder / "corpora" / name).mkdir()
    os.utime(folder / "corpora" / ".old-xyz", (time.time() - 3 * 86400,) * 2)
    (folder / "of_somebody_else").mkdir()
    return folder


ALL = [
    "examples/cola-test-1b",
    "examples/rte-train-0a",
    "corpora/books-2c",
    "file_hashes",
    "reports/replicates.db",
    "unfinished/.old-xyz",
]


def command(capsys, *argv):
    status = main(["cache", *argv])
    out, err = capsys.readouterr()
    return status, out, err


def names(capsys, *argv):
    status, out, _ = command(capsys, "ls", "--json", *argv)
    assert status == 0
    return [entry["name"] for entry in json.loads(out)]


def test_ls_names_everything(cache, capsys):
    assert names(capsys) == ALL
    assert names(capsys, "--kind", "corpora") == ["corpora/books-2c"]
    assert names(capsys, "examples/*", "file_hashes") == [*ALL[:2], "file_hashes"]
    assert names(capsys, "--unused_days", "2") == ["unfinished/.old-xyz"]
    status, out, _ = command(capsys, "ls")
    assert status == 0 and "6 in" in out and "examples/rte-train-0a" in out
    _, out, _ = command(capsys, "ls", "corpora/books-2c", "--json")
    (entry,) = json.loads(out)
    assert entry["bytes"] > 1600 and entry["made"]["command"]


def test_an_absent_cache_is_an_empty_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "none"))
    for argv in (["ls"], ["verify"], ["rm", "--all"]):
        status, out, _ = command(capsys, *argv)
        assert status == 0 and out.startswith("0 ")


@pytest.mark.parametrize(
    ("argv", "stay"),
    [
        (["examples/rte-*"], [ALL[0], *ALL[2:]]),
        (["--kind", "examples"], ALL[2:]),
        (["--unused_days", "1"], [n for n in ALL if "unfinished" not in n]),
        (["--kind", "examples", "--unused_days", "1"], ALL),
        (["--all"], []),
    ],
)
def test_rm_removes_what_is_chosen_and_no_more(argv, stay, cache, capsys):
    status, out, _ = command(capsys, "rm", *argv, "--dry_run")
    assert status == 0 and f"{len(ALL) - len(stay)} would be removed" in out
    assert names(capsys) == ALL
    status, out, _ = command(capsys, "rm", *argv)
    assert status == 0 and f"{len(ALL) - len(stay)} removed" in out
    assert names(capsys) == stay
    # A process may be at work on the one, and the other is none of ours.
    assert (cache / "corpora" / ".new-xyz").exists()
    assert (cache / "of_somebody_else").exists()


def test_verify_names_what_is_broken(cache, capsys):
    (cache / "corpora" / ".old-xyz").rmdir()
    status, out, _ = command(capsys, "verify")
    assert status == 0 and "5 of 5 are as they were written" in out
    rows = cache / "examples" / "rte-train-0a" / "rows"
    rows.write_text(rows.read_text().replace("rte", "RTE", 1))
    (cache / "corpora" / "books-2c" / "rows").write_text("")
    (memo,) = (cache / "file_hashes").iterdir()
    memo.write_text("")
    (cache / "reports" / "replicates.db").write_text("no database, and long enough")
    status, out, _ = command(capsys, "verify")
    assert status == 1 and "1 of 5 are as they were written" in out
    for expected in (
        "examples/rte-train-0a: rows has another content than was written",
        "corpora/books-2c: rows has 0 bytes, not 1,600",
        f"file_hashes: {memo.name} holds no hash",
        "reports/replicates.db: file is not a database",
    ):
        assert expected in out
    status, out, _ = command(capsys, "verify", "--json", "examples/cola*")
    assert status == 0 and json.loads(out)[0]["damages"] == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["rm"], "give names, --kind, --unused_days or --all"),
        (["rm", "examples/rte-train-0b"], "did you mean examples/rte-train-0a"),
        (["ls", "nothing*"], "is named 'nothing*'"),
        (["rm", "--unused_days", "-1"], "--unused_days must be 0 or more, got -1.0"),
        (["rm", "--unused_days", "nan"], "--unused_days must be 0 or more, got nan"),
        (["rm", "--kind", "runs"], "invalid choice: 'runs'"),
        ([], "cache needs a sub-command"),
    ],
)
def test_bad_input_is_one_sentence(argv, message, cache, capsys):
    status, out, err = command(capsys, *argv)
    assert status == 2 and not out
    assert message in err and len(err.splitlines()) == 1
    assert names(capsys) == ALL


@pytest.mark.parametrize("name", ["a[1]-2c", "a*-2c", "a\\b-2c", "what?#%41-2c"])
def test_names_that_look_like_patterns(name, cache, capsys, monkeypatch):
    (cache / "corpora/books-2c").rename(cache / "corpora" / name)
    assert names(capsys, f"corpora/{name}") == [f"corpora/{name}"]
    assert command(capsys, "rm", f"corpora/{name}")[0] == 0
    assert not (cache / "corpora" / name).exists()
    cache.rename(cache.parent / name)
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(cache.parent / name))
    status, out, _ = command(capsys, "verify", "reports/*")
    assert status == 0 and "1 of 1 are as they were written" in out


@pytest.mark.parametrize("damage", ["", "0" * 64, "flip", "of another", "\xff"])
def test_a_damaged_memo_of_a_hash_does_not_count(damage, cache, tmp_path, capsys):
    (memo,) = (cache / "file_hashes").iterdir()
    before = memo.read_text()
    written = {
        "flip": before.translate(str.maketrans("0a", "a0")),
        "of another": before.replace(before[:64], "0" * 64),
    }
    memo.write_text(written.get(damage, damage), "latin-1")
    assert command(capsys, "verify", "file_hashes")[0] == 1
    sha256 = hashlib.sha256(b"x" * REMEMBERED_BYTES).hexdigest()
    assert file_sha256(str(tmp_path / "large")) == sha256
    assert memo.read_text() == before


def test_a_memo_that_cannot_be_read_is_not_needed(cache, tmp_path, monkeypatch):
    """As one that lies in another user's cache."""
    shutil.rmtree(cache / "file_hashes")
    (cache / "file_hashes").write_text("in the way")
    sha256 = hashlib.sha256(b"x" * REMEMBERED_BYTES).hexdigest()
    assert file_sha256(str(tmp_path / "large")) == sha256


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_what_is_kept_can_be_read_by_whom_the_umask_lets(umask, tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    large = tmp_path / "large"
    large.write_bytes(b"x" * REMEMBERED_BYTES)
    os.utime(large, (time.time() - 100,) * 2)
    before = os.umask(umask)
    try:
        file_sha256(str(large))
        with complete_folder(str(tmp_path / "cache/examples/a"), inventory=True):
            pass
        Store(str(tmp_path / "cache/reports/a.db")).save()
    finally:
        os.umask(before)
    for path in (tmp_path / "cache").rglob("*"):
        allowed = (0o777 if path.is_dir() else 0o666) & ~umask
        assert stat.S_IMODE(path.stat().st_mode) == allowed, path
