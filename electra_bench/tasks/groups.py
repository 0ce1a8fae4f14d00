"""Which examples of a split belong together, so that they are not independent.

Questions about one article, sentences of one document, pairs with one premise: a model
that does well on one of them does well on the others. Statistics draw whole groups. What
the data tell of an example is its group. Where they do not, questions with one context
belong together, and pairs whose longer text is the same, so a pair in both orders, too; any
other example stands for itself.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.data.examples.store import ExampleStore
from electra_bench.data.readers.labelled_source import GROUP
from electra_bench.records import TaskCard

# The unit where every example is a group.
EXAMPLE = "example"
# The unit where the data tell a group and the card no name of it.
UNNAMED = "group"


class Groups(NamedTuple):
    """The groups of some examples.

    Attributes:
        unit: what a group is.
        names: of the group of every example; None for one that stands for itself.
    """

    unit: str
    names: tuple[str | None, ...]


def groups(card: TaskCard, store: ExampleStore, rows: Sequence[int]) -> Groups:
    """The groups of the examples of a split.

    Args:
        card: of the task; its `unit` is the name where the data tell groups, and of pairs.
        store: the examples.
        rows: one of every example.
    """
    if card.unit == EXAMPLE:
        return Groups(EXAMPLE, (None,) * len(rows))
    examples = [store[row] for row in rows]
    told = [example.get(GROUP) or "" for example in examples]
    if any(told):
        alike = _alike(examples, _context)
        pairs = zip(told, alike, strict=True)
        return Groups(card.unit or UNNAMED, tuple(own or same for own, same in pairs))
    if any(map(_context, examples)):
        return Groups("context", _alike(examples, _context))
    if any(_text(example, "text_b") for example in examples):
        return Groups(card.unit or "text", _alike(examples, _longer(examples)))
    return Groups(EXAMPLE, (None,) * len(rows))


def _alike(
    examples: Sequence[Mapping[str, Any]], text_of: Callable[[Mapping[str, Any]], str]
) -> tuple[str | None, ...]:
    """Groups of equal texts, case and blanks aside, each named by its first example."""
    texts = [folded(text_of(example)) for example in examples]
    first: dict[str, str] = {}
    for number, text in enumerate(texts):
        first.setdefault(text, f"as {identity_of(examples[number])}")
    return tuple(first[text] if text else None for text in texts)


def identity_of(example: Mapping[str, Any]) -> str:
    """The id of an example of a store: the data's, or else its number in the source.

    Rows of a store are other ones where another token limit leaves examples out.
    """
    return str(example["id"] if "id" in example else int(example["example_id"][0]))


def _context(example: Mapping[str, Any]) -> str:
    return _text(example, "context")


def _text(example: Mapping[str, Any], name: str) -> str:
    """A feature that is a text; empty where there is none or it is something else."""
    value = example.get(name)
    return value if isinstance(value, str) else ""


def _longer(
    examples: Sequence[Mapping[str, Any]],
) -> Callable[[Mapping[str, Any]], str]:
    """The text of a pair that is longer over all examples.

    Where both are equally long, as in a set that has every pair in both orders, that of
    each pair: both orders have the same one.
    """
    names = ("text_a", "text_b")
    lengths = [sum(len(_text(example, n)) for example in examples) for n in names]
    if lengths[0] == lengths[1]:
        return lambda example: max((_text(example, n) for n in names), key=_length)
    longest = names[lengths.index(max(lengths))]
    return lambda example: _text(example, longest)


def _length(text: str) -> tuple[int, str]:
    """The length of a text; of equally long ones no two are the same."""
    return len(folded(text)), folded(text)


def folded(text: str) -> str:
    """A text without what makes no difference: case, blanks, forms of a character."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
