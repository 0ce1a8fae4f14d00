"""Where the gin files are: the project's, or where the user says."""

import os
from pathlib import Path

from electra_bench.system.near_names import near_names


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
    """Finds a gin file given on the command line or in an `include`.

    Tried in this order: the path itself, the path below the project's gin folder (with
    or without a leading `gin/`).

    Raises:
        FileNotFoundError: nowhere; lists near names.
    """
    root = gin_root()
    inside = name.removeprefix("gin/")
    for candidate in (Path(name), root / name, root / inside):
        if candidate.is_file():
            return candidate
    known = sorted(str(path.relative_to(root)) for path in root.rglob("*.gin"))
    raise FileNotFoundError(
        f"no gin file {name!r} in {os.getcwd()} or {root}; "
        f"near: {near_names(inside, known)}"
    )


def is_own_file(name: str) -> bool:
    """Whether a binding stands in one of the project's gin files.

    Args:
        name: the file's path, or what stands for the command line.
    """
    path = Path(name).resolve()
    return path.is_file() and path.is_relative_to(gin_root())
