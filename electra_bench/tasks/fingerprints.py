"""Hashes of a task's raw examples and of its preprocessing: what caches are keyed by.

seqio keys its cache by the task's name, so a replaced file, source or preprocessor would
go unnoticed. These hashes see them all, for any seqio task.
"""

import dataclasses
import functools
import hashlib
import inspect
import itertools
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

# Examples that are read at once.
BATCH = 4096


def data_sha256(task: seqio.Task, split: str) -> str:
    """The hash of a split's raw examples, in the order of the source.

    A source that knows the hash of its data says so with a method `data_sha256(split)`.
    Any other is read through, so two of them with equal examples have equal hashes; names,
    types and lengths count.

    Args:
        task: a seqio task.
        split: one of its splits.
    """
    known = getattr(task.source, "data_sha256", None)
    if known is not None:
        return known(split)
    digest = hashlib.sha256()
    for example in _examples(task.source.get_dataset(split, shuffle=False)):
        digest.update(b"example")
        for name in sorted(example):
            _update(digest, name.encode())
            _update_value(digest, example[name])
    return digest.hexdigest()


def _examples(dataset: tf.data.Dataset) -> Iterator[Mapping[str, Any]]:
    """Examples as numpy has them, read in batches where that gives the same ones."""
    if not all(
        isinstance(spec, tf.TensorSpec) and spec.shape.rank in (0, 1)
        for spec in _leaves(dataset.element_spec).values()
    ):
        yield from map(_leaves, dataset.as_numpy_iterator())
        return
    # One by one they take ten times as long.
    for batch in dataset.ragged_batch(BATCH):
        leaves = _leaves(batch)
        for values in zip(*map(_rows, leaves.values()), strict=True):
            yield dict(zip(leaves, values, strict=True))


def _leaves(example: Any, name: str = "") -> dict[str, Any]:
    """The parts of an example by name, whatever it is made of.

    Most sources give a dict. A line of text is a part without a name, and what lies in a
    dict, a tuple or a sparse tensor has the names on the way to it.
    """
    if isinstance(example, Mapping):
        parts = example.items()
    elif isinstance(example, tuple):
        parts = enumerate(example)
    else:
        return {name: example}
    leaves: dict[str, Any] = {}
    for key, part in parts:
        leaves |= _leaves(part, f"{name}/{key}" if name else str(key))
    return leaves


def _rows(values: tf.Tensor | tf.RaggedTensor) -> Sequence[Any]:
    if not isinstance(values, tf.RaggedTensor):
        return values.numpy()
    flat, ends = values.flat_values.numpy(), values.row_splits.numpy()
    return [flat[start:end] for start, end in itertools.pairwise(ends)]


def _update(digest: Any, data: bytes) -> None:
    digest.update(len(data).to_bytes(8, "little"))
    digest.update(data)


def _update_value(digest: Any, value: Any) -> None:
    if isinstance(value, bytes):
        # What the lines below would do, which are slow for millions of texts.
        _update(digest, b"object ()")
        _update(digest, value)
        return
    # as_numpy_iterator gives ragged features as objects of its own.
    if hasattr(value, "to_list"):
        value = np.asarray(value.to_list(), dtype=object)
    array = np.asarray(value)
    _update(digest, f"{array.dtype} {array.shape}".encode())
    if array.dtype != object:
        _update(digest, np.ascontiguousarray(array).tobytes())
        return
    for item in array.ravel():
        _update(digest, item if isinstance(item, bytes) else repr(item).encode())


def preprocessing_sha256(task: seqio.Task) -> str:
    """The hash of a task's preprocessors and of the features it must emit.

    Of every preprocessor count its name, its source text, bound arguments, the values it
    closes over, and the functions and constants of its own module or distribution that it
    mentions, followed as far as they lead. seqio's decorators are looked through.

    Args:
        task: a seqio task.
    """
    features = {
        name: (feature.dtype.name, feature.rank, feature.add_eos, feature.required)
        for name, feature in task.output_features.items()
    }
    text = repr((_Describer().describe(list(task.preprocessors)), features))
    return hashlib.sha256(text.encode()).hexdigest()


class _Describer:
    """Describes Python values so that equal behaviour gives equal descriptions.

    Nothing that differs between two processes (addresses, hash order) gets in.
    """

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # so that an address is not used twice

    def describe(self, value: Any) -> Any:
        if value is None or isinstance(
            value, bool | int | float | complex | str | bytes
        ):
            return repr(value)
        if isinstance(value, np.ndarray | np.generic):
            array = np.asarray(value)
            return array.dtype.name, array.shape, array.tolist()
        if id(value) in self._seen:
            return "seen", self._seen[id(value)]
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return self._describe_compound(value)

    def _describe_compound(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value).__name__, [self.describe(item) for item in value]
        if isinstance(value, set | frozenset):
            return "set", sorted(repr(self.describe(item)) for item in value)
        if isinstance(value, dict):
            items = [(self.describe(k), self.describe(v)) for k, v in value.items()]
            return "dict", items
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            return "partial", [self.describe(part) for part in parts]
        if isinstance(value, types.MethodType):
            return (
                "method",
                self.describe(value.__func__),
                self.describe(value.__self__),
            )
        if isinstance(value, types.FunctionType):
            return self._describe_function(value)
        if isinstance(value, types.ModuleType):
            return "module", value.__name__
        if isinstance(value, type):
            return "class", _name(value), _source(value)
        return self._describe_object(value)

    def _describe_function(self, function: types.FunctionType) -> Any:
        code = function.__code__
        closed_over = [
            self.describe(_content(cell)) for cell in function.__closure__ or ()
        ]
        wrapped = getattr(function, "__wrapped__", None)
        own = _distribution(function.__module__)
        mentioned = [
            (name, self.describe(function.__globals__[name]))
            for name in _names_in(code)
            if name in function.__globals__ and _is_own(function.__globals__[name], own)
        ]
        return (
            "function",
            _name(function),
            _source(function),
            self.describe(function.__defaults__),
            self.describe(function.__kwdefaults__),
            closed_over,
            self.describe(wrapped),
            mentioned,
        )

    def _describe_object(self, value: Any) -> Any:
        cls = type(value)
        if dataclasses.is_dataclass(value):
            state = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        elif hasattr(value, "numpy"):  # a tensor
            return "tensor", self.describe(value.numpy())
        else:
            state = {
                name: content
                for name, content in sorted(getattr(value, "__dict__", {}).items())
            }
        return "object", _name(cls), _source(cls), self.describe(state)


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _distribution(module: str | None) -> str:
    return (module or "").split(".")[0]


def _is_own(value: Any, distribution: str) -> bool:
    """Whether a global belongs to the preprocessor rather than to a library it uses."""
    if isinstance(value, types.FunctionType | type):
        return _distribution(value.__module__) == distribution
    if isinstance(value, functools.partial):
        return True
    return isinstance(
        value, bool | int | float | str | bytes | tuple | frozenset | dict
    )


def _names_in(code: types.CodeType) -> list[str]:
    """Global names in a function's code and in the functions within it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(_names_in(constant))
    return sorted(names)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet: a function that calls itself
        return None


def _source(thing: Any) -> str:
    """Source text; the byte code where there is none (a doctest, a console)."""
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return repr((code.co_code, code.co_names)) if code else ""
