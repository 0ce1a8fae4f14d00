"""Where a task's files lie below the data folder, and how their bytes are read."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from etils import epath

from electra_bench.data import run_context
from electra_bench.data.text import packing
from electra_bench.system.regular_files import refuse_special

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
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


def find(split: str, candidates: Sequence[str]) -> epath.Path:
    """The file of a split: bound by hand, or the first candidate that exists.

    Args:
        split: name under which the run's `files` may bind it.
        candidates: paths relative to the data folder, each tried as it is and with
            the endings of packed files.

    Raises:
        FileNotFoundError: nothing there; says where it was searched.
    """
    path = find_or_none(split, candidates)
    if path is not None:
        return path
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


def find_or_none(split: str, candidates: Sequence[str]) -> epath.Path | None:
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
                return path
    return None


def given(split: str, file: str) -> epath.Path:
    """The file of a split that a configuration names, seen from here or the data folder.

    Args:
        split: name under which the run's `files` may bind another one.
        file: its path.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a pipe or a device.
    """
    context = run_context.current()
    file, data_dir = context.files.get(split, file), context.data_dir
    path = epath.Path(file)
    if not path.exists() and data_dir is not None:
        path = epath.Path(data_dir) / file
    if path.exists():
        refuse_special(path)
        return path
    below = f", neither here nor in {data_dir}" if data_dir else ""
    raise FileNotFoundError(f"split {split!r} is bound to {file}: no such file{below}")


def extension(path: epath.Path) -> str:
    """The last ending of a name, those of packed files not counted."""
    packed = path.suffix in COMPRESSIONS[1:]
    return path.with_suffix("").suffix if packed else path.suffix


def read_text(path: epath.Path) -> str:
    """The text of a file, unpacked, without a byte order mark.

    Raises:
        ValueError: not UTF-8 (names byte and line), damaged, empty, or a pointer of Git
            LFS.
    """
    data = _unpacked(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        skipped = len(data) - len(data.removeprefix(BYTE_ORDER_MARK))
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}: not UTF-8 at byte {error.start + skipped} "
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


def read_lines(path: epath.Path) -> list[ReadLine]:
    """The lines of a file of which each can be used without the others.

    A byte that is not UTF-8 spoils its line only. As opposed to `splitlines`, nothing but
    line feeds ends lines, since texts may hold the other characters; in a file without any,
    carriage returns do.

    Raises:
        ValueError: damaged, empty, or a pointer of Git LFS.
    """
    data = _unpacked(path)
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
    if what := packing.no_text(data[: packing.LONGEST_SIGNATURE]):
        raise ValueError(f"{path}: {what}")
    if not data.removeprefix(BYTE_ORDER_MARK).strip():
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
    files: Mapping[str, str], readers: Mapping[str, Collection[str]]
) -> None:
    """Checks that every file that is bound by hand is meant for one task.

    Args:
        files: split to path.
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
