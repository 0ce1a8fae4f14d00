"""`electra-bench fetch` against a server on this machine: good, bad and broken answers."""

import hashlib
import json
import threading
from importlib import resources

import pytest
from file_server import CONTENT, VOCAB, zipped
from small_runs import the_sentence

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.interop.fetch import download
from electra_bench.interop.fetch.public_files import data_sets

DEV = "/SQuAD-explorer/dataset/dev-v1.1.json"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def partial(path):
    return path.parent / f".{path.name}.partial"


def ranges(server):
    return [asked for _, asked in server.requests]


# ------------------------------------------------------------------------- the table


def test_every_set_can_be_listed_and_is_whole(capsys):
    assert main(["fetch", "--list", "--json"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    tasks = set(registry.tasks.names())
    glue = {"cola", "sst", "mrpc", "sts", "qqp", "mnli", "qnli", "rte", "wnli", "ax"}
    assert set(listed["glue"]["includes"]) == glue
    assert {"squad", "mrqa", "conll2000", "openwebtext", "electra_large"} <= set(listed)
    for name, entry in listed.items():
        assert entry["summary"] and entry["licence"] and entry["citation"], name
        assert entry["files"] or entry["includes"], name
        assert set(entry["includes"]) <= set(listed)
        for file in entry["files"]:
            assert file["url"].startswith("http") and file["found_in"]
            assert (file["sha256"] is None) == (file["size"] is None)
            assert file["sha256"] is None or len(file["sha256"]) == 64
    # A task whose data is fetched has one name for both.
    assert glue | {"squad", "squadv1", "newsqa", "drop"} <= tasks & set(listed)
    paths = [file["path"] for entry in listed.values() for file in entry["files"]]
    assert len(paths) == len(set(paths))


def test_the_digests_are_those_that_tensorflow_datasets_lists():
    """An independent list, which is installed with the project."""
    root = resources.files("tensorflow_datasets")
    lists = ("url_checksums/glue.txt", "datasets/squad/checksums.tsv")
    lines = "\n".join((root / name).read_text() for name in lists).splitlines()
    published = {tuple(line.split("\t")[1:3]) for line in lines}
    for name in (*data_sets()["glue"].includes, "squad", "squadv1"):
        for source in data_sets()[name].sources:
            assert (str(source.size), source.sha256) in published


def test_list_as_a_table(capsys):
    assert main(["fetch", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("glue/CoLA" in x and "dl.fbaipublicfiles.com" in x for x in lines)
    assert any(x.startswith("electra_small") and "none" in x for x in lines)


# ------------------------------------------------------------------------ good answers


def test_first_use_is_recorded_and_told(fetch, data, capsys):
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert "its source publishes none" in capsys.readouterr().out
    receipt = json.loads((data / "fetched.json").read_text())["vocab.txt"]
    assert receipt["sha256"] == sha256(CONTENT) and receipt["size"] == len(CONTENT)
    assert sorted(p.name for p in data.iterdir()) == ["fetched.json", "vocab.txt"]


def test_what_is_there_is_not_fetched_again(fetch, server, capsys):
    assert fetch("electra_vocab") == fetch("electra_vocab") == 0
    assert len(server.requests) == 1
    assert "there already, sha256 as recorded" in capsys.readouterr().out


def test_a_redirect_is_followed(fetch, server, data):
    server.files["/elsewhere"] = server.files.pop(VOCAB)
    to = {"Location": "/elsewhere"}
    server.faults[VOCAB] = [lambda handler: handler.answer(302, b"", to)]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_bytes_stay_as_they_are_stored(fetch, server, data):
    """A server that calls a .gz file's packing an encoding of the transfer."""
    said = {"Content-Encoding": "gzip"}
    server.faults[VOCAB] = [lambda handler: handler.answer(200, b"\x1f\x8b..", said)]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == b"\x1f\x8b.."


def test_a_mirror_with_a_prefix(fetch, server, data):
    server.files = {f"/public/x{VOCAB}": CONTENT}
    assert fetch("electra_vocab", "--base_url", f"{server.url}/public/x/") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_processes_that_fetch_the_same_share_one_download(fetch, server, data):
    began = threading.Event()
    go = threading.Event()

    def slowly(handler):
        began.set()
        go.wait(10)
        handler.answer(200, CONTENT)

    server.faults[VOCAB] = [slowly]
    status = []
    threads = [
        threading.Thread(target=lambda: status.append(fetch("electra_vocab")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    assert began.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert status == [0, 0, 0]
    assert len(server.requests) == 1
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert sorted(p.name for p in data.iterdir()) == ["fetched.json", "vocab.txt"]


# ---------------------------------------------------------------- broken, then resumed


def test_broken_connections_are_resumed(fetch, server, data):
    server.faults[VOCAB] = [100_000, 200_000, 0]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=300000-", "bytes=300000-"]


def test_without_ranges_it_starts_over(fetch, server, data):
    server.ranges = False
    server.faults[VOCAB] = [100_000]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_without_a_named_version_it_starts_over(fetch, server, data):
    server.etags = False
    server.faults[VOCAB] = [100_000]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_versions_are_not_mixed(fetch, server, data):
    server.faults[VOCAB] = [100_000, "500"]
    assert fetch("electra_vocab") == 1
    assert partial(data / "vocab.txt").stat().st_size == 100_000
    server.files[VOCAB] = CONTENT[::-1]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT[::-1]


def test_a_rest_of_another_version_is_not_taken(fetch, server, data):
    """From a server that takes no notice of If-Range."""

    def rest(handler):
        end = len(CONTENT)
        span = f"bytes 100000-{end - 1}/{end}"
        headers = {"Content-Range": span, "ETag": '"another"'}
        handler.answer(206, bytes(end - 100_000), headers)

    server.faults[VOCAB] = [100_000, rest]
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", None]


def test_a_complete_download_that_was_not_put_in_its_place(fetch, server, data):
    server.faults[VOCAB] = [300_000, "500"]
    assert fetch("electra_vocab") == 1
    partial(data / "vocab.txt").write_bytes(CONTENT)
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_a_partial_file_that_is_too_long_starts_over(fetch, server, data):
    server.faults[VOCAB] = [300_000, "500"]
    assert fetch("electra_vocab") == 1
    partial(data / "vocab.txt").write_bytes(CONTENT + b"more")
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_a_link_instead_of_a_partial_file_is_not_followed(fetch, data, tmp_path):
    others = tmp_path / "others"
    others.write_bytes(b"kept")
    data.mkdir()
    path = partial(data / "vocab.txt")
    for planted in (path, path.with_name(f"{path.name}.version")):
        planted.symlink_to(others)
    assert fetch("electra_vocab") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT
    assert others.read_bytes() == b"kept"
    assert sorted(p.name for p in data.iterdir()) == ["fetched.json", "vocab.txt"]


def test_interrupted_then_resumed(fetch, server, data, monkeypatch, capsys):
    def interrupt(progress, num_bytes):
        if progress._completed + num_bytes > 200_000:
            raise KeyboardInterrupt
        update(progress, num_bytes)

    update = download.DownloadProgress.update
    with monkeypatch.context() as patch:
        patch.setattr(download.DownloadProgress, "update", interrupt)
        assert fetch("electra_vocab") == 1
    assert "goes on where" in the_sentence(capsys.readouterr().err, "fetch")
    have = partial(data / "vocab.txt").stat().st_size
    assert 0 < have < len(CONTENT)
    assert fetch("electra_vocab") == 0
    assert ranges(server)[-1] == f"bytes={have}-"
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(fetch, server):
    server.faults[VOCAB] = ["503", "503"]
    assert fetch("electra_vocab") == 0


# ------------------------------------------------------------------------- bad answers


def failed(fetch, capsys, *arguments, status=1):
    capsys.readouterr()
    assert fetch(*arguments) == status
    return the_sentence(capsys.readouterr().err, "fetch")


def test_what_breaks_off_again_and_again(fetch, server, data, capsys):
    server.faults[VOCAB] = [100_000, *[0] * 10]
    assert "broke off again and again" in failed(fetch, capsys, "electra_vocab")
    assert not (data / "vocab.txt").exists()


def test_not_found(fetch, server, data, capsys):
    server.files.clear()
    said = failed(fetch, capsys, "electra_vocab")
    assert "404 Not Found" in said and f"put it at {data / 'vocab.txt'}" in said
    assert not list(data.iterdir())


def test_offline(fetch, server, data, capsys):
    server.shutdown()
    server.server_close()
    said = failed(fetch, capsys, "electra_vocab")
    assert (
        f"cannot reach 127.0.0.1:{server.server_port} for {server.url}{VOCAB}" in said
    )
    assert "refused" in said and f"put it at {data / 'vocab.txt'}" in said
    # Several: a line about each host, then the sentence.
    assert fetch("squad", "electra_vocab") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "not all of 5 files" in lines[1]


def test_a_file_put_there_by_hand_is_taken(fetch, server, data):
    data.mkdir()
    (data / "vocab.txt").write_bytes(b"mine")
    (data / "models").mkdir()
    (data / "models" / "electra_small.zip").write_bytes(
        zipped({"electra_small/vocab.txt": b"[PAD]"})
    )
    assert fetch("electra_vocab", "electra_small") == 0
    assert not server.requests
    assert (data / "vocab.txt").read_bytes() == b"mine"
    assert (data / "models" / "electra_small" / "vocab.txt").read_bytes() == b"[PAD]"
    assert (data / "models" / "electra_small.zip").exists()


def test_one_bad_file_does_not_keep_the_others_away(fetch, server, data, capsys):
    server.files |= {DEV: b"dev"}
    given = ("--sha256", f"squad/dev-v1.1.json={sha256(b'dev')}")
    assert fetch("squadv1", "electra_small", "electra_vocab", *given) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 3 and "404" in err[0] and "404" in err[1]
    assert err[2].endswith("above: squad/train-v1.1.json, models/electra_small")
    assert (data / "vocab.txt").exists() and (data / "squad/dev-v1.1.json").exists()
    # With its vocabulary only, the checkpoint would look as if it were there.
    assert not (data / "models/electra_small").exists()


# ---------------------------------------------------------------------------- digests


def test_other_bytes_than_published(fetch, server, data, capsys):
    size = data_sets()["wnli"].sources[0].size
    server.files["/glue/data/WNLI.zip"] = bytes(size)
    said = failed(fetch, capsys, "wnli")
    assert sha256(bytes(size)) in said
    assert data_sets()["wnli"].sources[0].sha256 in said and "as published" in said
    assert not list((data / "glue").iterdir())


def test_another_size_than_published_is_refused_before_the_download(
    fetch, server, capsys
):
    server.files["/glue/data/WNLI.zip"] = b"short"
    assert "the server has 5 bytes, expected 28999" in failed(fetch, capsys, "wnli")


def test_other_bytes_than_at_first(fetch, server, data, capsys):
    assert fetch("electra_vocab") == 0
    server.files[VOCAB] = b"other"
    said = failed(fetch, capsys, "electra_vocab", "--overwrite")
    assert sha256(CONTENT) in said and sha256(b"other") in said and "recorded" in said
    assert (data / "vocab.txt").read_bytes() == CONTENT
    given = ("--sha256", f"vocab.txt={sha256(b'other')}")
    assert fetch("electra_vocab", "--overwrite", *given) == 0
    assert (data / "vocab.txt").read_bytes() == b"other"
    assert fetch("electra_vocab") == 0


def test_a_file_that_was_changed_here(fetch, data, capsys):
    assert fetch("electra_vocab") == 0
    (data / "vocab.txt").write_bytes(b"changed")
    said = failed(fetch, capsys, "electra_vocab", status=2)
    assert sha256(b"changed") in said and sha256(CONTENT) in said
    assert (data / "vocab.txt").read_bytes() == b"changed"
    assert fetch("electra_vocab", "--overwrite") == 0
    assert (data / "vocab.txt").read_bytes() == CONTENT


def test_an_archive_that_cannot_be_unpacked_leaves_nothing(fetch, server, data, capsys):
    server.files["/electra-data/electra_small.zip"] = b"<html>sign in</html>"
    assert fetch("electra_small") == 1
    assert "neither a zip nor a tar" in capsys.readouterr().err
    assert not list((data / "models").iterdir())
    assert not (data / "fetched.json").exists()


# ------------------------------------------------------------------ found before work


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "a name is needed: glue, "),
        (("colla",), "nothing named 'colla'; did you mean cola?"),
        (("cola", "--json"), "--json goes with --list"),
        (("cola", "--base_url", "ftp://x"), "--base_url 'ftp://x' is no address"),
        (("cola", "--sha256", "glue/cola=00"), "near: ['glue/CoLA']"),
        (("cola", "--sha256", "glue/CoLA=00"), "expected 64 hexadecimal digits"),
    ],
)
def test_bad_arguments(fetch, capsys, arguments, said):
    assert said in failed(fetch, capsys, *arguments, status=2)


def test_a_folder_is_needed(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("ELECTRA_BENCH_DATA", raising=False)
    assert main(["fetch", "cola"]) == 2
    assert "ELECTRA_BENCH_DATA" in the_sentence(capsys.readouterr().err, "fetch")
    assert main(["fetch", "cola", "--data_dir", "gs://bucket"]) == 2
    assert "local folders only" in the_sentence(capsys.readouterr().err, "fetch")
    (tmp_path / "fetched.json").write_text("[]")
    assert main(["fetch", "cola", "--data_dir", str(tmp_path)]) == 2
    assert "is not as fetch wrote it" in the_sentence(capsys.readouterr().err, "fetch")
