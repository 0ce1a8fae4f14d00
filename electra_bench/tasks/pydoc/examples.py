"""The corpus and the four tasks that are made of documentation strings.

See docs/design/pydoc.md for what is made of what and which leaks are closed. Everything is
a function of the strings alone: chosen, ordered and split by hashes of names.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from electra_bench.tasks.pydoc import docstring_text
from electra_bench.tasks.pydoc.docstring_text import Paragraph
from electra_bench.tasks.pydoc.docstrings import LIBRARIES, Docstring

CODE_TAGS = ("O", "B-CODE", "I-CODE")
# Share of modules, percent.
SPLITS = {"dev": 8, "test": 8}
SIZES = {"train": 3000, "dev": 600, "test": 600}
MASK = "library"
QUESTIONS = 2  # about one string, at most

# Names that people write for the libraries, longest first.
_NAMES = re.compile(
    r"(?<![A-Za-z0-9])(scikit[- ]learn|tensorflow|matplotlib|sklearn|pyplot|pandas|scipy"
    r"|numpy|keras|nltk|optax|flax|jaxlib|jax|jnp|lax|plt|mpl|np|pd|sp|tf)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_PARAMETERS = frozenset({"parameters", "other_parameters", "args", "arguments"})
_WORD = re.compile(r"\w+(?:[._]\w+)*|[^\w\s]")

Example = dict[str, Any]
Examples = dict[str, dict[str, list[Example]]]  # task, split


class Prose(NamedTuple):
    """A paragraph of a document.

    Attributes:
        paragraph: with its mark-up.
        text: its text without mark-up.
        own: whether the text occurs here for the first time.
    """

    paragraph: Paragraph
    text: str
    own: bool


class Document(NamedTuple):
    """A documentation string and what may be used of it.

    Attributes:
        source: the string.
        split: of its module.
        prose: its paragraphs.
    """

    source: Docstring
    split: str
    prose: list[Prose]

    def own(self) -> list[Prose]:
        """Prose that occurs nowhere before."""
        return [prose for prose in self.prose if prose.own]


def hash_number(*parts: str) -> int:
    """A number that depends on the strings only; equally likely below 2**64."""
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8])


def split_of(module: str) -> str:
    """The split of all strings of a module."""
    number = hash_number("split", module) % 100
    for split, percent in SPLITS.items():
        if number < percent:
            return split
        number -= percent
    return "train"


def masked(text: str) -> str:
    """The text with the libraries' names and usual aliases replaced."""
    return _NAMES.sub(MASK, text)


def documents(strings: Iterable[Docstring]) -> Iterator[Document]:
    """Finds the prose of strings, and repeats in it.

    Two texts are repeats if they agree in all letters, apart from libraries' names; only
    the first one is ever used, so no text is in two splits.
    """
    seen: set[str] = set()
    for source in strings:
        prose = []
        for paragraph in docstring_text.paragraphs(source.text):
            text = docstring_text.plain(paragraph.text)
            letters = re.sub(r"[^a-z]+", "", masked(text).lower())
            prose.append(Prose(paragraph, text, letters not in seen))
            seen.add(letters)
        if prose:
            yield Document(source, split_of(source.module), prose)


def corpus_lines(found: Iterable[Document]) -> Iterator[str]:
    """Lines of the pre-training text: a module a document, a sentence a line.

    Only modules of the tasks' train split; inline mark-up is gone, so the tasks' labels
    are not in it.
    """
    module = None
    for document in found:
        if document.split != "train" or not document.own():
            continue
        if module not in (None, document.source.module):
            yield ""
        module = document.source.module
        for prose in document.own():
            head = docstring_text.plain(prose.paragraph.head)
            if head:
                yield head
            yield from docstring_text.sentences(prose.text)


def examples(found: Sequence[Document]) -> Examples:
    """Examples of the four tasks.

    Returns:
        Task, then split, to examples in a random but fixed order, with `idx` and `id`.
    """
    made = {
        "pydoc_library": _by_split(_library(found), LIBRARIES),
        "pydoc_pair": _by_split(_pair(found)),
        "pydoc_code": _by_split(_code(found)),
        "pydoc_qa": _by_split(_qa(found)),
    }
    return {
        task: {
            split: [{"idx": i, **row} for i, row in enumerate(rows[split])]
            for split in SIZES
        }
        for task, rows in made.items()
    }


def _by_split(
    rows: Iterable[tuple[str, Example]], balanced: Sequence[str | None] = (None,)
) -> dict[str, list[Example]]:
    """Rows of every split, at most as many as it has; equally many of balanced labels."""
    found = defaultdict(list)
    for split, row in rows:
        label = row.get("label")
        found[split, label if label in balanced else None].append(row)
    chosen = {}
    for split, size in SIZES.items():
        groups = [found[split, label] for label in balanced]
        each = min(size // len(groups), *map(len, groups))
        taken = [row for group in groups for row in _chosen(group, each)]
        chosen[split] = _chosen(taken, len(taken))
    return chosen


def _chosen(rows: Iterable[Example], size: int) -> list[Example]:
    """`size` rows, chosen and ordered by the hashes of their ids."""
    return sorted(rows, key=lambda row: (hash_number(row["id"]), row["id"]))[:size]


def _identity(document: Document, number: int = 0) -> str:
    source = document.source
    return f"{source.module}:{source.name}:{source.line}:{number}"


def _has_words(text: str, least: int, most: int) -> bool:
    return least <= len(text.split()) <= most


def _library(found: Sequence[Document]) -> Iterator[tuple[str, Example]]:
    """Which library is the paragraph from."""
    for document in found:
        package = document.source.package
        if package not in LIBRARIES:
            continue
        for number, prose in enumerate(document.own()):
            text = masked(prose.text)
            if _has_words(text, 10, 80):
                identity = _identity(document, number)
                yield document.split, _text_row(identity, text, "", package)


def _pair(found: Sequence[Document]) -> Iterator[tuple[str, Example]]:
    """Do two paragraphs belong to one string; if not, they are of the same module.

    Neighbours in a module's hash order exchange their second paragraphs, so that first
    and second paragraphs are as frequent in both classes.
    """
    modules = defaultdict(list)
    for document in found:
        texts = [p.text for p in document.own() if _has_words(p.text, 8, 60)]
        if len(texts) >= 2:
            identity = _identity(document)
            second = 1 + hash_number("second", identity) % (len(texts) - 1)
            key = document.split, document.source.module
            modules[key].append((identity, texts[0], texts[second]))
    for (split, _), pairs in modules.items():
        pairs.sort(key=lambda pair: hash_number("order", pair[0]))
        for one, other in zip(pairs[::2], pairs[1::2], strict=False):
            same = hash_number("same", one[0]) % 2
            seconds = (one[2], other[2]) if same else (other[2], one[2])
            label = "same" if same else "different"
            for (identity, first, _), second in zip((one, other), seconds, strict=True):
                yield split, _text_row(identity, first, second, label)


def _text_row(identity: str, text_a: str, text_b: str, label: str) -> Example:
    return {"id": identity, "text_a": text_a, "text_b": text_b, "label": label}


def _code(found: Sequence[Document]) -> Iterator[tuple[str, Example]]:
    """Words that the author set in double back-ticks, which are removed."""
    for document in found:
        for number, prose in enumerate(document.own()):
            if "``" not in prose.paragraph.text:
                continue
            words, tags = _tagged(prose.paragraph.text)
            if "B-CODE" in tags and 8 <= len(words) <= 80:
                identity = _identity(document, number)
                yield document.split, {"id": identity, "words": words, "tags": tags}


def _tagged(text: str) -> tuple[list[str], list[str]]:
    words: list[str] = []
    tags: list[str] = []
    parts = docstring_text.without_links(text).split("``")
    if len(parts) % 2 == 0:  # one pair of ticks lacks its counterpart
        return [], []
    # Every second part stood between double back-ticks.
    for number, part in enumerate(parts):
        is_code = number % 2
        found = _WORD.findall(part if is_code else docstring_text.plain(part))
        first, later = ("B-CODE", "I-CODE") if is_code else ("O", "O")
        words += found
        tags += [first, *[later] * (len(found) - 1)][: len(found)]
    return words, tags


class _Entry(NamedTuple):
    name: str
    head: str
    text: str
    own: bool

    @property
    def whole(self) -> str:
        return f"{self.head} {self.text}"


def _qa(found: Sequence[Document]) -> Iterator[tuple[str, Example]]:
    """What is parameter p of f: its description among those of its neighbours."""
    for document in found:
        entries = _entries(document)
        if len(entries) < 4 or not document.source.name:
            continue
        function = document.source.name.removesuffix(".__init__")
        usable = [
            (_identity(document, i), i)
            for i, entry in enumerate(entries)
            if entry.own and _has_words(entry.text, 3, 15)
        ]
        usable.sort(key=lambda pair: hash_number("asked", pair[0]))
        for identity, asked in usable[:QUESTIONS]:
            context, start = _context(entries, asked, identity)
            name, _, text, _ = entries[asked]
            row = {
                "id": identity,
                "question": f"What is the parameter {name} of {function}?",
                "context": context,
                "answers": [text],
                "answer_start": [start],
            }
            yield document.split, row


def _entries(document: Document) -> list[_Entry]:
    entries = []
    for paragraph, text, own in document.prose:
        name = re.match(r"[`*]*(\w+)[`*]*(?! *,)", paragraph.head)
        if name and paragraph.section in _PARAMETERS:
            head = docstring_text.plain(paragraph.head)
            entries.append(_Entry(name[1], head, text, own))
    return entries


def _context(
    entries: Sequence[_Entry], asked: int, identity: str, most_words: int = 75
) -> tuple[str, int]:
    """The asked entry and its neighbours, and where in it the description begins.

    How much stands before it differs, so that its place gives nothing away.
    """
    words = [len(entry.whole.split()) for entry in entries]
    first, last = asked, asked + 1
    for turn in range(2 * len(entries)):
        before = hash_number("side", identity, str(turn)) % 2
        start, end = first - before, last + 1 - before
        exists = start >= 0 and end <= len(entries)
        if exists and sum(words[start:end]) <= most_words:
            first, last = start, end
    start = sum(len(entry.whole) + 1 for entry in entries[first:asked])
    context = "\n".join(entry.whole for entry in entries[first:last])
    return context, start + len(entries[asked].head) + 1
