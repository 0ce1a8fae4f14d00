"""Archives of all sorts to folders; hostile ones are refused as a whole."""

import io
import stat
import tarfile
import zipfile

import pytest

from electra_bench.interop.fetch import extraction
from electra_bench.interop.fetch.extraction import ArchiveError, extract

GOOD = {"Set/train.tsv": b"train\n", "Set/more/dev.tsv": b"dev\n", "README": b"read me"}
TAR = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}


def write(path, members):
    """Writes a zip or tar file of (name, content); content may be an info object."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return path
    with tarfile.open(path, TAR[path.name.partition(".")[2]]) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def tar_info(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.fixture
def refused(tmp_path):
    """Unpacks what must be refused; nothing may be left behind."""

    def run(file, members, root="Set"):
        path = write(tmp_path / "in" / file, [("Set/first.tsv", b"x"), *members])
        with pytest.raises(ArchiveError) as error:
            extract(str(path), file, str(tmp_path / "out" / "set"), root)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
        assert not list((tmp_path / "out").iterdir())
        assert file in str(error.value)
        return str(error.value)

    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return run


@pytest.mark.parametrize("ending", ["zip", *TAR])
def test_the_content_of_the_root(ending, tmp_path):
    path = write(tmp_path / f"a.{ending}", GOOD.items())
    extract(str(path), path.name, str(tmp_path / "set"), "Set")
    files = [p for p in (tmp_path / "set").rglob("*") if p.is_file()]
    found = {str(p.relative_to(tmp_path / "set")): p.read_bytes() for p in files}
    assert found == {"train.tsv": b"train\n", "more/dev.tsv": b"dev\n"}


def test_an_existing_folder_is_replaced_only_on_demand(tmp_path):
    path = write(tmp_path / "a.zip", GOOD.items())
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "mine").touch()
    extract(str(path), "a.zip", str(folder), "Set")
    assert [p.name for p in folder.iterdir()] == ["mine"]
    extract(str(path), "a.zip", str(folder), "Set", overwrite=True)
    assert (folder / "train.tsv").exists() and not (folder / "mine").exists()


@pytest.mark.parametrize("file", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize(
    "name", ["../evil", "Set/../../evil", "/evil", "Set\\..\\evil", "C:/evil"]
)
def test_places_outside(file, name, refused):
    assert repr(name) in refused(file, [(name, b"evil")])


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (tar_info("Set/link", tarfile.SYMTYPE, "/etc/passwd"), "'Set/link' is a link"),
        (tar_info("Set/link", tarfile.LNKTYPE, "Set/first.tsv"), "is a link"),
        (tar_info("other/device", tarfile.CHRTYPE), "'other/device' is a special file"),
        (tar_info("Set/pipe", tarfile.FIFOTYPE), "is a special file"),
    ],
)
def test_what_is_neither_file_nor_folder(info, said, refused):
    assert said in refused("a.tar.gz", [(info, b"")])


def test_a_link_in_a_zip_file(refused):
    assert "'Set/link' is a link" in refused("a.zip", [(zip_link("Set/link"), b"/etc")])


@pytest.mark.parametrize("file", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_bombs(file, refused, monkeypatch):
    bomb = [("other/bomb", bytes(extraction.SMALL_BYTES + 1))]
    assert "unpacks to more than" in refused(file, bomb)
    # The ratio is fine, the size is not.
    monkeypatch.setattr(extraction, "MAX_UNPACKED_BYTES", 1000)
    assert "'Set/large'" in refused(file, [("Set/large", bytes(1001))])


def test_too_many_members(refused, monkeypatch):
    monkeypatch.setattr(extraction, "MAX_MEMBERS", 2)
    said = refused("a.zip", [("Set/a", b""), ("Set/b", b"")])
    assert "more than 2 members" in said


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("file", ["a.zip", "a.tar"])
def test_a_member_twice(file, refused):
    assert "'Set/first.tsv' twice" in refused(file, [("Set/first.tsv", b"again")])


def test_no_such_folder(refused):
    assert "holds no folder 'Sets'" in refused("a.zip", [], root="Sets")


@pytest.mark.parametrize("file", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_damaged(file, tmp_path):
    path = write(tmp_path / file, [("Set/x", b"".join(b"%d" % i for i in range(9999)))])
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 50] = bytes(50)
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=f"{file} is damaged|{file}: neither"):
        extract(str(path), file, str(tmp_path / "set"), "Set")
    assert not (tmp_path / "set").exists()
    path.write_bytes(b"<html>")
    with pytest.raises(ArchiveError, match="neither a zip nor a tar archive"):
        extract(str(path), file, str(tmp_path / "set"), "Set")
