"""What a parameter is to a run: said where it is taken, as `dropout: Result[float]`.

Two runs are the same if they agree in all that changes the result and in the content of
what they read. Builders may not be loaded where that is asked (`suite status` has no
TensorFlow), so roles are read from their source, too.
"""

import ast
import enum
import functools
import os
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from electra_bench.system.source_closure import place_of

T = TypeVar("T")


class Role(enum.Enum):
    """What a parameter is to a run.

    Attributes:
        RESULT: how it is done: another value makes another run and another row of a
            table, and no protocol holds that says otherwise.
        PER_TASK: as `RESULT`, but a row may have other values on other tasks.
        SUBJECT: what it is about, of which protocols say nothing: model and objective with
            their sizes, text, task, budget. Another value makes another row.
        DETAIL: another value makes another run, but of the same row: how it is computed,
            what is measured and logged on the way.
        SEED: as `RESULT`, but runs that differ in it alone are averaged.
        MACHINE: where a run goes, how it is spread out, what it keeps: no number changes.
        CONTENT: a path; what lies there counts, by its hash.
        GIVEN: passed by the code that calls the builder, never bound.
    """

    RESULT = "Result"
    PER_TASK = "PerTask"
    SUBJECT = "Subject"
    DETAIL = "Detail"
    SEED = "Seed"
    MACHINE = "Machine"
    CONTENT = "Content"
    GIVEN = "Given"


Result = Annotated[T, Role.RESULT]
PerTask = Annotated[T, Role.PER_TASK]
Subject = Annotated[T, Role.SUBJECT]
Detail = Annotated[T, Role.DETAIL]
Seed = Annotated[T, Role.SEED]
Machine = Annotated[T, Role.MACHINE]
Content = Annotated[T, Role.CONTENT]
Given = Annotated[T, Role.GIVEN]


def bare(annotation: Any) -> Any:
    """An annotation without its role."""
    is_marked = typing.get_origin(annotation) is Annotated
    return typing.get_args(annotation)[0] if is_marked else annotation


def role_of(annotation: Any) -> Role | None:
    """The role in an annotation; None if it says none."""
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, Role):
            return mark
    return None


@functools.cache
def declared(target: str) -> Mapping[str, Role]:
    """The roles of a builder's parameters, from its source; it is not imported.

    Args:
        target: `module:name` of a function, or of a class with a field a parameter.

    Returns:
        Parameter to role, of those that have one; empty where there is no source.
    """
    module, _, name = target.partition(":")
    source = _source(module)
    for node in ast.walk(ast.parse(source)):
        if getattr(node, "name", None) == name:
            return dict(_marked(node))
    return {}


def _source(module: str) -> str:
    path = getattr(sys.modules.get(module), "__file__", None)
    if path is None and module and module not in sys.modules:
        place = place_of(module)
        path = place and place.file
    if path is None or not os.path.isfile(path) or not path.endswith((".py", ".pyw")):
        return ""
    return Path(path).read_text(encoding="utf-8")


def _marked(node: ast.AST) -> Iterator[tuple[str, Role]]:
    parameters: list[tuple[str, ast.expr | None]]
    if isinstance(node, ast.ClassDef):
        fields = [n for n in node.body if isinstance(n, ast.AnnAssign)]
        parameters = [(ast.unparse(n.target), n.annotation) for n in fields]
    elif isinstance(node, ast.FunctionDef):
        every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        parameters = [(n.arg, n.annotation) for n in every]
    else:
        return
    known = {role.value: role for role in Role}
    for parameter, annotation in parameters:
        if isinstance(annotation, ast.Subscript):
            # `Result[int]` or `roles.Result[int]`.
            word = ast.unparse(annotation.value).rpartition(".")[2]
            if word in known:
                yield parameter, known[word]
