"""Which code makes something: the source files that modules lead to by their imports.

The hash of these files is part of the keys of caches and of a run's identity. Nothing is
imported to find them. Modules whose names are made at run time (entry points,
`importlib.import_module`) are not seen: whoever asks names them too.
"""

import ast
import functools
import hashlib
import importlib.util
import itertools
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib import machinery, metadata
from typing import NamedTuple

# An import statement; cut short where a bracket stands in a comment inside it.
STATEMENT = re.compile(
    r"(?:^|[:;])[ \t]*((?:from|import)\b(?:[^\n(\\;#]|\\\n|\([^)]*\))*)", re.MULTILINE
)


class Need(NamedTuple):
    """A module: the whole of it, or only what runs when it is imported."""

    module: str
    whole: bool


class Place(NamedTuple):
    """A module's file, if it has one, and the folders of its submodules."""

    file: str | None
    folders: tuple[str, ...]


def closure_sha256(modules: Iterable[str]) -> str:
    """The hash of all own code that modules lead to.

    Args:
        modules: see `closure`.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: a named module is absent, or has no source file.
    """
    return _files_sha256(closure(modules))


def sources_sha256(modules: Iterable[str]) -> str:
    """The hash of the code of modules alone, without what they import.

    Args:
        modules: dotted names; they need not have been imported.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: one is absent, or has no source file.
    """
    place_of.cache_clear()
    return _files_sha256({module: _source_of(module) for module in modules})


def _files_sha256(files: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(f"{name} {_sha256(*_state(path))}\n".encode())
    return digest.hexdigest()


def _source_of(module: str) -> str:
    place = place_of(module)
    if place is None or place.file is None:
        raise ModuleNotFoundError(f"no source file of module {module!r}")
    return place.file


def closure_versions(
    modules: Iterable[str], others: Iterable[str] = ()
) -> Mapping[str, str]:
    """The versions of installed distributions that own code imports.

    Args:
        modules: see `closure`.
        others: names of further modules, also of Python itself.

    Returns:
        A version for every distribution.

    Raises:
        ModuleNotFoundError: see `closure`.
    """
    files = closure(modules)
    packages = {outermost(module) for module in others}
    for path in files.values():
        imports = _statements(True, *_state(path))
        packages |= {outermost(module) for module, _ in imports}
    names = {
        distribution
        for package in packages - {outermost(module) for module in files}
        for distribution in _distributions(package)
    }
    return {name: metadata.version(name) for name in sorted(names)}


def closure(modules: Iterable[str]) -> Mapping[str, str]:
    """The source files of modules and of all own modules that they lead to.

    Own are the distribution electra_bench, those of the named modules, and what lies
    outside the folders of installed packages: a script, and the modules beside it. Of a
    package around a module counts only what it imports when it is imported.

    Args:
        modules: dotted names; they need not have been imported.

    Returns:
        A file for every module; those of packages are `__init__.py`.

    Raises:
        ModuleNotFoundError: a named module is absent, or has no source file.
    """
    place_of.cache_clear()
    waiting = [Need(name, whole=True) for name in modules]
    for need in waiting:
        _source_of(need.module)
    named = frozenset(outermost(need.module) for need in waiting)
    files: dict[str, str] = {}
    seen: set[Need] = set()
    while waiting:
        need = waiting.pop()
        if need in seen:
            continue
        seen.add(need)
        around = need.module.rpartition(".")[0]
        if around:
            waiting.append(Need(around, whole=False))
        file = place_of(need.module).file
        if file:
            files[need.module] = file
            waiting.extend(_imported(need, file, named))
    return files


def outermost(module: str) -> str:
    """The package around a module that no other is around."""
    return module.partition(".")[0]


@functools.cache
def place_of(module: str) -> Place | None:
    """Where a module is, which is not imported; None if there is none of this name."""
    loaded = sys.modules.get(module)
    if loaded is not None:  # perhaps from a file that is on no path
        file = getattr(loaded, "__file__", None)
        folders = getattr(loaded, "__path__", ())
    else:
        around = module.rpartition(".")[0]
        if around:
            place = place_of(around)
            spec = place and machinery.PathFinder.find_spec(module, place.folders)
        else:  # asks the finders of editable installs too
            spec = importlib.util.find_spec(module)
        if not spec:
            return None
        file, folders = spec.origin, spec.submodule_search_locations or ()
    return Place(file if file and os.path.isfile(file) else None, tuple(folders))


def is_own(package: str, named: Collection[str] = ()) -> bool:
    """Whether the modules of an outermost package are own code, see `closure`.

    Args:
        package: its name; one that does not exist is own.
        named: the outermost packages of named modules.
    """
    if package in named or package == "electra_bench":
        return True
    if package in sys.stdlib_module_names:
        return False
    place = place_of(package)
    if place is None or not (place.file or place.folders):
        return True
    root = os.path.dirname(place.file) if place.file else place.folders[0]
    if not _holds_installed(os.path.dirname(root) if place.folders else root):
        return True
    if package in _packages_of_plugins():
        return True
    return any(
        set(_distributions(package)) & set(_distributions(other))
        for other in {*named} - {"electra_bench", *_packages_of_plugins()}
    )


@functools.cache
def _holds_installed(folder: str) -> bool:
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    return any(name.endswith(".dist-info") for name in names)


@functools.cache
def _packages_of_plugins() -> frozenset[str]:
    """Outermost packages of the distributions that declare entry points of ours."""
    declared = metadata.entry_points()
    groups = [name for name in declared.groups if name.startswith("electra_bench.")]
    packages = set()
    for entry in itertools.chain(*(declared.select(group=name) for name in groups)):
        packages.add(outermost(entry.module))
        packages.update((entry.dist.read_text("top_level.txt") or "").split())
    return frozenset(packages)


# It reads what every installed distribution says of itself.
_all_distributions = functools.cache(metadata.packages_distributions)


def _distributions(package: str) -> Sequence[str]:
    return _all_distributions().get(package, ())


def _imported(need: Need, file: str, named: Collection[str]) -> Iterator[Need]:
    """The own modules that a module imports."""
    is_package = os.path.basename(file).startswith("__init__.")
    package = need.module if is_package else need.module.rpartition(".")[0]
    for module, names in _statements(need.whole, *_state(file)):
        if module.startswith("."):
            try:
                module = importlib.util.resolve_name(module, package)
            except ImportError:  # more dots than packages
                continue
        if not is_own(outermost(module), named) or not place_of(module):
            continue
        inner = [f"{module}.{name}" for name in names if place_of(f"{module}.{name}")]
        yield from (Need(name, whole=True) for name in inner)
        if len(inner) < len(names) or not names:
            yield Need(module, whole=True)
        if not names:  # gives the outermost package, of which anything may be used
            yield Need(outermost(module), whole=True)


def _state(path: str) -> tuple[str, int, int]:
    """What a file's content is remembered by."""
    state = os.stat(path)
    return path, state.st_size, state.st_mtime_ns


@functools.cache
def _sha256(path: str, size: int, mtime_ns: int) -> str:
    del size, mtime_ns
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _statements(
    whole: bool, path: str, size: int, mtime_ns: int
) -> list[tuple[str, tuple[str, ...]]]:
    """The import statements of a file: a module, and the names taken from it."""
    del size, mtime_ns
    if not path.endswith((".py", ".pyw")):  # compiled
        return []
    with open(path, "rb") as file:
        content = file.read()
    try:
        nodes = _nodes(importlib.util.decode_source(content), whole)
    except (SyntaxError, UnicodeError):  # whoever imports it will hear of it
        return []
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [(alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.append((module, tuple(alias.name for alias in node.names)))
    return found


def _nodes(text: str, whole: bool) -> Iterable[ast.AST]:
    """Syntax nodes of a module, those of all its import statements among them."""
    if not whole:
        return list(_run_on_import(ast.parse(text)))
    try:
        # Parsing everything takes several times as long.
        return [ast.parse(statement).body[0] for statement in STATEMENT.findall(text)]
    except SyntaxError:  # a sentence of a docstring, or a statement that was cut short
        return ast.walk(ast.parse(text))


def _run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            child.body = []
        yield child
        yield from _run_on_import(child)
