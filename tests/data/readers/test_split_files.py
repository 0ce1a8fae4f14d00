import bz2
import gzip
import lzma

import pytest
from backports import zstd
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers import split_files

CANDIDATES = split_files.layouts("cola", "dev", ".tsv", "glue/CoLA", "CoLA")


@pytest.fixture
def data_dir(tmp_path):
    with run_context.use(data_dir=str(tmp_path), files={}):
        yield tmp_path


def found():
    return [str(path) for path in split_files.find("dev", CANDIDATES)]


def put(folder, name, content=b"x"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_the_originals_layout_comes_first(data_dir):
    for folder in ("CoLA", "glue/CoLA", "cola", "finetuning_data/cola"):
        path = put(data_dir, f"{folder}/dev.tsv")
        assert found() == [str(path)]


def test_compressed_files_are_found_and_unpacked(data_dir):
    put(data_dir, "cola/dev.tsv.gz", gzip.compress("é".encode()))
    assert split_files.read_text(*split_files.find("dev", CANDIDATES)) == "é"
    put(data_dir, "finetuning_data/cola/dev.tsv.xz", lzma.compress(b"first"))
    assert split_files.read_text(*split_files.find("dev", CANDIDATES)) == "first"


@pytest.mark.parametrize("ending", [".bz2", ".zst", ".xz", ".gz"])
def test_every_stream_of_a_file_is_read_or_the_file_refused(data_dir, ending):
    pack = {
        ".bz2": bz2.compress,
        ".zst": zstd.compress,
        ".xz": lzma.compress,
        ".gz": gzip.compress,
    }[ending]
    put(data_dir, f"cola/dev.tsv{ending}", pack(b"one\n") + pack(b"two\n"))
    [path] = split_files.find("dev", CANDIDATES)
    assert split_files.extension(path) == ".tsv"
    assert split_files.read_text(path) == "one\ntwo\n"
    path.write_bytes(pack(b"one\n") + pack(b"two\n")[:-3])
    with pytest.raises(ValueError, match=f"dev.tsv{ending}: cannot be unpacked"):
        split_files.read_text(path)


def test_a_file_bound_by_hand_wins(data_dir, tmp_path):
    put(data_dir, "cola/dev.tsv")
    bound = put(tmp_path, "elsewhere/mine.tsv")
    for name in (str(bound), "elsewhere/mine.tsv"):
        with run_context.use(files={"dev": name}):
            assert found() == [str(bound)]
    with (
        run_context.use(files={"dev": "absent.tsv"}),
        pytest.raises(
            FileNotFoundError, match=r"'dev': no file or folder 'absent.tsv'"
        ),
    ):
        split_files.find("dev", CANDIDATES)


def test_several_files_bound_by_hand_keep_their_order(data_dir):
    names = ("b.tsv", "part-2.tsv", "part-1.tsv", "folder/z.tsv", "folder/y.tsv")
    paths = {name: str(put(data_dir, name)) for name in names}
    files = ("b.tsv", "part-*.tsv", "part-1.tsv", "folder")
    with run_context.use(files={"dev": files}):
        ordered = ("b.tsv", "part-1.tsv", "part-2.tsv", "folder/y.tsv", "folder/z.tsv")
        assert found() == [paths[name] for name in ordered]


def test_a_missing_file_is_said_with_the_places_searched(data_dir):
    with pytest.raises(FileNotFoundError) as error:
        split_files.find("dev", CANDIDATES)
    for candidate in CANDIDATES:
        assert candidate in str(error.value)
    assert str(data_dir) in str(error.value)
    with (
        run_context.use(data_dir=None),
        pytest.raises(FileNotFoundError, match="--data_dir"),
    ):
        split_files.find("dev", CANDIDATES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ab\xff", r"not UTF-8 at byte 2 \(line 1, b'\\xff'\)"),
        (b"\xef\xbb\xbfa\n\nb\xff", r"not UTF-8 at byte 7 \(line 3"),
        (b"", "empty file"),
        (b" \n\n", "empty file"),
        (b"PK\x03\x04\xff", "this is a spreadsheet or an archive"),
        (bz2.compress(b"PAR1"), "this is Parquet, which is not read; call it"),
    ],
)
def test_unreadable_files(tmp_path, content, message):
    path = epath.Path(put(tmp_path, "dev.tsv", content))
    with pytest.raises(ValueError, match=f"dev.tsv: {message}"):
        split_files.read_text(path)


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_a_damaged_archive(tmp_path, suffix):
    path = epath.Path(put(tmp_path, f"dev.tsv.{suffix}", b"not packed"))
    with pytest.raises(ValueError, match="cannot be unpacked"):
        split_files.read_text(path)


@pytest.mark.parametrize("name", ["dev.tsv", "dev.tsv.gz", "dev.json.xz"])
def test_a_pointer_of_git_lfs_is_not_the_data(tmp_path, name):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n"
    path = epath.Path(put(tmp_path, name, pointer))
    with pytest.raises(ValueError, match=f"{name}: a pointer of Git LFS, not the data"):
        split_files.read_text(path)


def test_a_stray_byte_spoils_its_line_only(tmp_path):
    content = b"\xef\xbb\xbfa\r\n\nb\xff\n\xc3\xa9\xe2\x80\xa8c\n"
    path = epath.Path(put(tmp_path, "dev.tsv", content))
    assert split_files.read_lines(path) == [
        (1, "a", ""),
        (2, "", ""),
        (3, "", r"not UTF-8 at byte 8 (b'\xff')"),
        (4, "é\u2028c", ""),
    ]


def test_carriage_returns_end_the_lines_of_a_file_without_others(tmp_path):
    path = epath.Path(put(tmp_path, "dev.tsv", b"a\rb\r"))
    assert [line.text for line in split_files.read_lines(path)] == ["a", "b"]


def test_a_byte_order_mark_is_not_text(tmp_path):
    path = epath.Path(put(tmp_path, "dev.tsv", "\ufeffa".encode()))
    assert split_files.read_text(path) == "a"
