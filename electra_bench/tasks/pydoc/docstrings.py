"""Documentation strings of installed packages, read with `ast`, never by importing.

The packages are dependencies of this project, so every installation has them; what they
say depends on their versions, hence `source_sha256`.
"""

import ast
import hashlib
import importlib.metadata
import inspect
import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from electra_bench.system.file_hashes import file_sha256

# Those whose paragraphs a task tells apart.
LIBRARIES = (
    "jax",
    "keras",
    "matplotlib",
    "nltk",
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "tensorflow",
)
PACKAGES = (
    "absl",
    "fontTools",
    "flax",
    "h5py",
    "huggingface_hub",
    "joblib",
    "optax",
    "orbax",
    "rich",
    "seqio",
    "t5",
    "tensorflow_datasets",
    "tensorflow_text",
    *LIBRARIES,
)

# Tests say little in prose; the others are copies of foreign packages.
_SKIPPED_FOLDER = re.compile(
    "__pycache__|_vendor|array_api_(compat|extra)|externals|include|tests?|third_party"
    "|vendored"
)
# An old copy of Keras: its texts would count as TensorFlow's.
_SKIPPED_MODULES = ("tensorflow.python.keras",)

DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Docstring(NamedTuple):
    """One documentation string.

    Attributes:
        package: import name of the package.
        module: dotted name of the module.
        name: qualified name within the module; empty for the module itself.
        line: where it is defined, counted from 1.
        text: the string with its indentation removed.
    """

    package: str
    module: str
    name: str
    line: int
    text: str


def site_packages() -> str:
    """The folder that the dependencies are installed in: NumPy's."""
    return str(importlib.metadata.distribution("numpy").locate_file(""))


def source_files(
    folder: str, packages: Sequence[str] = PACKAGES
) -> list[tuple[str, str, str]]:
    """Package, module and path of the Python files of installed packages, sorted.

    Args:
        folder: where packages are installed.
        packages: import names; those that are missing are left out.
    """
    found = []
    for package in packages:
        for parent, folders, files in os.walk(os.path.join(folder, package)):
            folders[:] = [f for f in folders if not _SKIPPED_FOLDER.fullmatch(f)]
            for file in files:
                if file.endswith(".py"):
                    path = os.path.join(parent, file)
                    module = _module(os.path.relpath(path, folder))
                    if not module.startswith(_SKIPPED_MODULES):
                        found.append((package, module, path))
    return sorted(found)


def _module(relative_path: str) -> str:
    parts = relative_path.removesuffix(".py").split(os.sep)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_sha256(files: Sequence[tuple[str, str, str]]) -> str:
    """Hash of the names and contents of `source_files`."""
    digest = hashlib.sha256()
    for _, module, path in files:
        digest.update(f"{module} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def docstrings(files: Sequence[tuple[str, str, str]]) -> Iterator[Docstring]:
    """Documentation strings in the order of the files and their lines.

    Beside those of modules, classes and functions also the strings that NumPy and SciPy
    give to compiled functions (`add_newdoc`). A file that does not parse has none.

    Args:
        files: see `source_files`.
    """
    for package, module, path in files:
        source = pathlib.Path(path).read_bytes()
        if b'"""' not in source and b"'''" not in source:
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # a template, or null bytes
            continue
        for name, line, text in _in_body(tree, ""):
            cleaned = inspect.cleandoc(text).strip()
            if cleaned:
                yield Docstring(package, module, name, line, cleaned)


def _in_body(node: ast.AST, prefix: str) -> Iterator[tuple[str, int, str]]:
    if isinstance(node, (ast.Module, *DEFINITIONS)):
        text = ast.get_docstring(node, clean=False)
        if text:
            yield prefix, getattr(node, "lineno", 1), text
    for child in _statements(node):
        if isinstance(child, DEFINITIONS):
            name = f"{prefix}.{child.name}" if prefix else child.name
            yield from _in_body(child, name)
        elif isinstance(child, ast.Expr):
            yield from _added(child)
        else:
            yield from _in_body(child, prefix)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for field in ("body", "orelse", "handlers", "finalbody"):
        children = getattr(node, field, None)
        if isinstance(children, list):
            yield from children


def _added(node: ast.Expr) -> Iterator[tuple[str, int, str]]:
    """`add_newdoc(place, name, text)`, or `(method, text)` in place of the text."""
    match node.value:
        case ast.Call(func=ast.Name(id=name), args=args) if "add_newdoc" in name:
            strings = [
                item.value
                for argument in args
                for item in getattr(argument, "elts", [argument])
                if isinstance(item, ast.Constant) and isinstance(item.value, str)
            ]
            if len(strings) >= 2:
                yield strings[-2], node.lineno, strings[-1]
