"""Where the gin files are: in a checkout, in a wheel, or where the user says."""

import difflib
import importlib.util
import os
from pathlib import Path


def gin_root() -> Path:
    """The folder with the project's gin files.

    A checkout comes first, because an editable install does not expose the files of the
    wheel's `electra_bench.gin_files`.

    Raises:
        FileNotFoundError: neither exists; the installation is broken.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parent / "gin"
    if (package.parent / "setup.cfg").is_file() and checkout.is_dir():
        return checkout
    spec = importlib.util.find_spec("electra_bench.gin_files")
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0])
    raise FileNotFoundError(
        f"the project's gin files are neither in {checkout} nor in the installed package"
    )


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
    near = difflib.get_close_matches(inside, known, n=3)
    raise FileNotFoundError(
        f"no gin file {name!r} in {os.getcwd()} or {root}; near: {near}"
    )
