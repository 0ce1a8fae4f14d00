"""Documentation strings of installed packages, read with `ast`, never by importing.

The packages are dependencies of this project, so every installation has them; what they
say depends on their versions, hence `source_sha256`.
"""

import ast
import hashlib
import importlib.metadata
import inspect
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

PACKAGES = (
    "absl",
    "fontTools",
    "flax",
    "h5py",
    "huggingface_hub",
    "jax",
    "joblib",
    "keras",
    "matplotlib",
    "nltk",
    "numpy",
    "optax",
    "orbax",
    "pandas",
    "rich",
    "scipy",
    "seqio",
    "sklearn",
    "t5",
    "tensorflow",
    "tensorflow_datasets",
    "tensorflow_text",
)

# Tests say little in prose; the others are copies of foreign packages.
_SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__",
        "_vendor",
        "array_api_compat",
        "array_api_extra",
        "externals",
        "include",
        "test",
        "tests",
        "third_party",
        "vendored",
    }
)
# An old copy of Keras: its texts would count as TensorFlow's.
_SKIPPED_MODULES = ("tensorflow.python.keras",)


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
            folders[:] = [f for f in folders if f not in _SKIPPED_FOLDERS]
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
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
        digest.update(f"{module} {content}\n".encode())
    return digest.hexdigest()


def docstrings(files: Sequence[tuple[str, str, str]]) -> Iterator[Docstring]:
    """Documentation strings in the order of the files and their lines.

    Beside those of modules, classes and functions also the strings that NumPy and SciPy
    give to compiled functions (`add_newdoc`). A file that does not parse has none.

    Args:
        files: see `source_files`.
    """
    for package, module, path in files:
        with open(path, "rb") as file:
            source = file.read()
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
    if isinstance(
        node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ):
        text = ast.get_docstring(node, clean=False)
        if text:
            yield prefix, getattr(node, "lineno", 1), text
    for child in _statements(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
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
    call = node.value
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return
    if "add_newdoc" not in call.func.id:
        return
    strings = [
        item.value
        for argument in call.args
        for item in getattr(argument, "elts", [argument])
        if isinstance(item, ast.Constant) and isinstance(item.value, str)
    ]
    if len(strings) >= 2:
        *names, text = strings
        yield names[-1], node.lineno, text
