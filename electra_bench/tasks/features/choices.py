"""How each kind of task becomes tokens: features by registered name.

Preprocessors ask when a dataset is built, and the cache of encoded examples has what they
get in its key.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from electra_bench.config.roles import Result
from electra_bench.core import SpecialIds
from electra_bench.data.examples.builder import ExampleBuilder
from electra_bench.registry import features

T = TypeVar("T")


@runtime_checkable
class TaggedWords(Protocol):
    """How words with tags become rows; a frozen dataclass.

    Attributes:
        segment_id: segment of every token.
    """

    segment_id: int

    def pieces(self, word: str, vocabulary: Any) -> list[int]:
        """The tokens of a word."""

    def rows(
        self,
        pieces: Sequence[list[int]],
        labels: Sequence[int],
        special: SpecialIds,
        limit: int,
    ) -> list[tuple[list[int], list[int]]]:
        """A sentence as rows of at most `limit` tokens, and a label for each of these.

        A word is predicted in the row that has its label; it must not be in two.
        """


@runtime_checkable
class ContextWindows(Protocol):
    """How a context that is too long becomes several rows; a frozen dataclass.

    Attributes:
        max_query_length: tokens of a question at most.
    """

    max_query_length: int

    def parts(
        self, num_tokens: int, room: int, doc_stride: int | None
    ) -> Iterable[tuple[int, int]]:
        """First token, and the one after the last, of every window.

        Args:
            num_tokens: length of the context.
            room: tokens that a window holds.
            doc_stride: of the task; None if it has none of its own.
        """


@runtime_checkable
class PretrainingExamples(Protocol):
    """How text becomes pre-training examples; a frozen dataclass.

    Attributes:
        cut_tokens: what becomes of tokens that do not fit, as a folder of examples has it
            in its manifest.
    """

    cut_tokens: str

    def builder(
        self, max_length: int, cls_id: int, sep_id: int, dtype: type
    ) -> ExampleBuilder:
        """What makes examples of the lines of documents."""


@features.register("tagging")
def tagging(name: Result[str] = "words") -> TaggedWords:
    """The features of tagging that are chosen by their registered name.

    Args:
        name: registered features.
    """
    return features.get(name)()


@features.register("span_qa")
def span_qa(name: Result[str] = "windows") -> ContextWindows:
    """The features of question answering that are chosen by their registered name.

    Args:
        name: registered features.
    """
    return features.get(name)()


@features.register("corpus")
def corpus(name: Result[str] = "pretraining") -> PretrainingExamples:
    """The features of corpora that are chosen by their registered name.

    Args:
        name: registered features.
    """
    return features.get(name)()


def tagged_words() -> TaggedWords:
    """What gin holds for tagging."""
    return _chosen("tagging", "words", TaggedWords)


def context_windows() -> ContextWindows:
    """What gin holds for question answering."""
    return _chosen("span_qa", "windows", ContextWindows)


def pretraining_examples() -> PretrainingExamples:
    """What gin holds for corpora."""
    return _chosen("corpus", "pretraining", PretrainingExamples)


def description_of(examples: PretrainingExamples) -> dict[str, Any]:
    """What a folder of pre-training examples says of the features that made them.

    Args:
        examples: what gin holds for corpora.
    """
    is_plain = dataclasses.is_dataclass(examples)
    values = dataclasses.asdict(examples) if is_plain else {}
    return {"name": features.choice("corpus", "pretraining"), "values": values}


def _chosen(kind: str, default: str, protocol: type[T]) -> T:
    """The features of a kind; the default ones are named in no configuration.

    Raises:
        ValueError: they are those of another kind.
    """
    name = features.choice(kind, default)
    built = features.get(default if name == default else kind)()
    if not isinstance(built, protocol):
        raise ValueError(
            f"features.{kind}.name is {name!r}, which is no {protocol.__name__} (see "
            f"tasks/features/choices.py); the default is {default!r}"
        )
    return built
