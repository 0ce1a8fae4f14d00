"""Where a task's files lie below the data folder, and how their bytes are read."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.forms import UTF_8, refuse_other_formats
from electra_bench.data.text import packing
from electra_bench.data.text.files import find_files
from electra_bench.system.regular_files import refuse_special

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# So many bytes tell a format.
BEGINNING = 32
COMPRESSIONS = ("", *packing.ENDINGS)
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def layouts(task: str, split: str, extension: str, *folders: str) -> list[str]:
    """Relative paths under which a split may lie, in the order they are tried.

    Args:
        task: the task's name; its folder in the original's layout.
        split: name of the file without its extension.
        extension: of the file, with a dot.
        *folders: further folders that may hold it.
    """
    return [
        f"{folder}/{split}{extension}"
        for folder in (f"finetuning_data/{task}", task, *folders)
    ]


def find(split: str, candidates: Sequence[str]) -> list[epath.Path]:
    """The files of a split: bound by hand, or the first candidate that exists.

    Args:
        split: name under which the run's `files` may bind them.
        candidates: paths relative to the data folder, each tried as it is and with
            the endings of packed files.

    Raises:
        FileNotFoundError: nothing there; says where it was searched.
    """
    paths = find_or_none(split, candidates)
    if paths is not None:
        return paths
    context = run_context.current()
    if context.data_dir is None:
        raise FileNotFoundError(
            f"split {split!r} ({candidates[0]}): no data folder; set --data_dir or "
            f"ELECTRA_BENCH_DATA, or bind FILES = {{{split!r}: 'path'}}"
        )
    raise FileNotFoundError(
        f"split {split!r}: none of {', '.join(candidates)} (also "
        f"{', '.join(packing.ENDINGS)}) is in "
        f"{context.data_dir}"
    )


def find_or_none(split: str, candidates: Sequence[str]) -> list[epath.Path] | None:
    """As `find`, but None if there is no such file.

    Raises:
        FileNotFoundError: a file bound by hand does not exist.
    """
    context = run_context.current()
    if split in context.files:
        return given(split, context.files[split])
    if context.data_dir is None:
        return None
    for candidate in candidates:
        for compression in COMPRESSIONS:
            path = epath.Path(context.data_dir) / (candidate + compression)
            if path.exists():
                refuse_special(path)
                return [path]
    return None


def given(split: str, files: str | Sequence[str]) -> list[epath.Path]:
    """The files of a split that a configuration names, seen from here or the data folder.

    Args:
        split: name under which the run's `files` may bind others.
        files: paths, folders and globs, one or several, see `find_files`.

    Raises:
        FileNotFoundError: no such file, or none that matches.
        ValueError: a pipe or a device, or no path.
    """
    context = run_context.current()
    names = named(split, context.files.get(split, files))
    try:
        return [epath.Path(file) for file in find_files(names, context.data_dir)]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"split {split!r}: {error}") from error


def named(split: str, files: str | Sequence[str]) -> list[str]:
    """The names that a split is bound to, as a list.

    Raises:
        ValueError: what is bound are no names, or none.
    """
    names = [files] if isinstance(files, str) else files
    is_list = isinstance(names, (list, tuple)) and bool(names)
    if is_list and all(isinstance(name, str) and name for name in names):
        return list(names)
    raise ValueError(
        f"split {split!r} is bound to {files!r}, expected a file, a glob, or a list of them"
    )


def extension(path: epath.Path) -> str:
    """The last ending of a name, those of packed files not counted."""
    packed = path.suffix in COMPRESSIONS[1:]
    return path.with_suffix("").suffix if packed else path.suffix


def read_text(path: epath.Path, encoding: str = UTF_8) -> str:
    """The text of a file, unpacked, without a byte order mark.

    Args:
        path: of the file.
        encoding: of its characters.

    Raises:
        ValueError: in another encoding (names byte and line), damaged, empty, a pointer of
            Git LFS, or of a format that is not read.
    """
    data = _unpacked(path)
    try:
        if encoding != UTF_8:
            return data.decode(encoding).removeprefix("\ufeff")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        skipped = len(data) - len(data.removeprefix(BYTE_ORDER_MARK))
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}: not {encoding.upper()} at byte {error.start + skipped} "
            f"(line {line}, {error.object[error.start : error.start + 1]!r})"
        ) from error


class ReadLine(NamedTuple):
    """A line of a file.

    Attributes:
        number: from 1.
        text: without what ends the line.
        problem: why there is no text; empty if there is.
    """

    number: int
    text: str
    problem: str = ""


def read_lines(
    path: epath.Path, encoding: str = UTF_8, comment: str = ""
) -> list[ReadLine]:
    """The lines of a file of which each can be used without the others.

    A byte that is not UTF-8 spoils its line only. As opposed to `splitlines`, nothing but
    line feeds ends lines, since texts may hold the other characters; in a file without any,
    carriage returns do.

    Args:
        path: of the file.
        encoding: of its characters; in any but UTF-8 a wrong byte spoils the file.
        comment: what lines begin with that are left out; empty for none.

    Raises:
        ValueError: see `read_text`.
    """
    is_utf_8 = encoding == UTF_8
    data = _unpacked(path) if is_utf_8 else read_text(path, encoding).encode()
    content = data.removeprefix(BYTE_ORDER_MARK)
    start = len(data) - len(content)
    end = b"\n" if b"\n" in content else b"\r"
    lines = []
    for number, line in enumerate(content.removesuffix(end).split(end), start=1):
        try:
            lines.append(ReadLine(number, line.decode().rstrip("\r")))
        except UnicodeDecodeError as error:
            byte = line[error.start : error.start + 1]
            problem = f"not UTF-8 at byte {start + error.start} ({byte!r})"
            lines.append(ReadLine(number, "", problem))
        start += len(line) + 1
    if comment:
        return [line for line in lines if not line.text.startswith(comment)]
    return lines


def _unpacked(path: epath.Path) -> bytes:
    refuse_special(path)
    data = path.read_bytes()
    refuse_pointer(path, data)
    try:
        content = packing.unpacked_bytes(data)
    except packing.DAMAGED as error:
        raise ValueError(f"{path}: cannot be unpacked: {error}") from error
    if content is None and path.suffix in packing.ENDINGS:
        raise ValueError(
            f"{path}: cannot be unpacked: it does not begin as a packed file does"
        )
    data = data if content is None else content
    content = data.removeprefix(BYTE_ORDER_MARK)
    refuse_other_formats(path, content[:BEGINNING])
    if not content.strip():
        raise ValueError(f"{path}: empty file")
    return data


def refuse_pointer(path: epath.Path, beginning: bytes) -> None:
    """Checks that a file is the data, whatever its name says of how it is packed.

    Args:
        path: of the file.
        beginning: its first bytes.

    Raises:
        ValueError: it is a pointer of Git LFS.
    """
    if beginning.startswith(LFS_POINTER):
        raise ValueError(
            f"{path}: a pointer of Git LFS, not the data; fetch it with 'git lfs pull'"
        )


def check_readers(
    files: Mapping[str, str | Sequence[str]], readers: Mapping[str, Collection[str]]
) -> None:
    """Checks that every file that is bound by hand is meant for one task.

    Args:
        files: split to its files.
        readers: task to the splits that it reads files for.

    Raises:
        ValueError: one is read by several tasks.
    """
    for split in files:
        found = [task for task, names in readers.items() if split in names]
        if len(found) > 1:
            raise ValueError(
                f"files: {split!r} would be bound for each of {found}; bind "
                f"tasks.{found[0]}.files of a task without code, or put the file where "
                f"{found[0]} looks for it below --data_dir"
            )
