"""Where the gin files are: the project's, or where the user says."""

import os
from collections.abc import Sequence
from pathlib import Path

from electra_bench.system.near_names import near_names
from electra_bench.system.regular_files import refuse_special


def gin_root() -> Path:
    """The folder with the project's gin files: beside the package or, in a wheel, in it.

    Raises:
        FileNotFoundError: it is not there; the installation is broken.
    """
    folder = (Path(__file__).parents[1] / "gin_files").resolve()
    if not folder.is_dir():
        raise FileNotFoundError(f"the project's gin files are not in {folder}")
    return folder


def find_gin_file(name: str) -> Path:
    """Finds a gin file given on the command line.

    Tried in this order: the path itself, the path below the project's gin folder (with
    or without a leading `gin/`).

    Raises:
        FileNotFoundError: nowhere; lists near names.
        ValueError: a pipe or a device.
    """
    here = Path(name)
    return _first([here, *_own(name)], name, os.getcwd())


def find_included(name: str, including: Path | None, line: int = 0) -> Path:
    """Finds the file that an `include` means.

    It is the same wherever the command is given: beside the file that includes it, or
    below the project's gin folder. Only what neither has may lie in the working directory.

    Args:
        name: as the `include` spells it.
        including: the file that it stands in; None for the command line.
        line: of the file, for the message.

    Raises:
        FileNotFoundError: nowhere; lists near names.
        ValueError: a pipe or a device.
    """
    if including is None:
        return find_gin_file(name)
    candidates = [including.parent / name, *_own(name), Path(name)]
    return _first(
        candidates, name, str(including.parent), f"{including}:{line}: " if line else ""
    )


def _own(name: str) -> list[Path]:
    root = gin_root()
    return [root / name, root / name.removeprefix("gin/")]


def _first(candidates: Sequence[Path], name: str, folder: str, where: str = "") -> Path:
    """The first that is a file; `folder` was searched beside the project's."""
    for candidate in candidates:
        refuse_special(candidate)
        if candidate.is_file():
            return candidate
    root = gin_root()
    known = sorted(str(path.relative_to(root)) for path in root.rglob("*.gin"))
    raise FileNotFoundError(
        f"{where}no gin file {name!r} in {folder} or {root}; "
        f"near: {near_names(name.removeprefix('gin/'), known)}"
    )


def is_own_file(name: str) -> bool:
    """Whether a binding stands in one of the project's gin files.

    Args:
        name: the file's path, or what stands for the command line.
    """
    path = Path(name).resolve()
    return path.is_file() and path.is_relative_to(gin_root())
