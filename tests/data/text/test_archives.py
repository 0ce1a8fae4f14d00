"""Archives of text: nested, packed, hostile."""

import gzip
import io
import lzma
import tarfile

import pytest

from electra_bench.data.text import archives
from electra_bench.data.text.files import iter_documents
from electra_bench.data.text.streams import ReadReport


def tar(members, links=()):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type = tarfile.SYMTYPE
            info.linkname = target
            archive.addfile(info)
    return raw.getvalue()


def documents(path, **options):
    return [document.lines for document in iter_documents([str(path)], **options)]


@pytest.fixture
def openwebtext(tmp_path):
    """The layout of OpenWebText: a folder of xz archives, each of .txt files."""
    folder = tmp_path / "openwebtext"
    folder.mkdir()
    subset = tar({"1.txt": b"one\n\ntwo\n", "2.txt": b"three", "notes.md": b"no"})
    (folder / "urlsf_subset00-1_data.xz").write_bytes(lzma.compress(subset))
    return folder


def test_a_file_is_a_document(openwebtext):
    path = openwebtext / "urlsf_subset00-1_data.xz"
    assert documents(path) == [["one", "two"], ["three"]]
    assert documents(path, format="openwebtext") == [["one", "two"], ["three"]]


def test_nested_and_packed(tmp_path):
    inner = lzma.compress(tar({"a.txt": b"a", "b.txt.gz": gzip.compress(b"b")}))
    path = tmp_path / "all.tar.gz"
    path.write_bytes(
        gzip.compress(
            tar({"x/inner_data.xz": inner, "y/c.txt": b"c", "d.bin": b"\xff"})
        )
    )
    assert documents(path) == [["a"], ["b"], ["c"]]


def test_paths_and_links_do_nothing(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "below"
    folder.mkdir()
    path = folder / "a.tar"
    path.write_bytes(
        tar(
            {"../../escaped.txt": b"text", "/tmp/absolute.txt": b"more"},
            links=[("link.txt", str(tmp_path / "secret.txt"))],
        )
    )
    before = sorted(tmp_path.rglob("*"))
    assert documents(path) == [["text"], ["more"]]
    assert sorted(tmp_path.rglob("*")) == before


def test_damaged_archives_are_named_or_counted(tmp_path):
    whole = tar({"a.txt": b"a", "b.txt": b"b\n" * 5000, "c.txt": b"c"})
    path = tmp_path / "a.tar"
    path.write_bytes(whole[:4000])
    with pytest.raises(ValueError, match=r"a\.tar.*damaged"):
        documents(path)
    report = ReadReport()
    assert documents(path, on_error="skip", report=report)[0] == ["a"]
    assert report.skipped
    path.write_bytes(b"text, no archive")
    with pytest.raises(ValueError, match="not a tar archive"):
        documents(path, format="openwebtext")


def test_one_damaged_member_leaves_the_others(tmp_path):
    path = tmp_path / "a.tar"
    path.write_bytes(
        tar(
            {"a.txt.gz": gzip.compress(b"a" * 99)[:-9], "b.txt": b"b", "c.txt": b"\xff"}
        )
    )
    report = ReadReport()
    assert documents(path, on_error="skip", report=report) == [["b"]]
    assert report.skipped == 2
    assert "a.tar:c.txt: not UTF-8 at byte 0" in report.reasons[1]


def test_limits(tmp_path, monkeypatch):
    content = tar({"a.txt": b"a"})
    for _ in range(archives.MAX_DEPTH):
        content = tar({"b.tar": content})
    path = tmp_path / "deep.tar"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="nested more than 4 deep"):
        documents(path)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 2000)
    path.write_bytes(tar({"a.txt": b"a\n" * 2000}))
    with pytest.raises(ValueError, match="unpacks to more than allowed"):
        documents(path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_archive_never_ends_early_in_silence(tmp_path, pack):
    path = tmp_path / "a.tar"
    one, two = tar({"a.txt": b"a"}), tar({"b.txt": b"b"})
    path.write_bytes(pack(one + two))
    with pytest.raises(ValueError, match="a.tar: goes on after the end of the archive"):
        documents(path)
    path.write_bytes(pack(one[:1024]))
    with pytest.raises(ValueError, match="a.tar: cut: the archive has no end"):
        documents(path)
