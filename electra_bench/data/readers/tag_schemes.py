"""Schemes of tags that mark spans of words: which one a file has, and what it says."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

OUTSIDE = "O"
# The type of spans whose tags name none, as in conlleval.
UNTYPED = "_"
# Tags are no spans, whatever they look like.
NO_SPANS = "none"

# The letters of a span of one word, and of the first, the middle and the last of several.
# In IOB1 `B` begins a span that follows one of its type. The first of equals is found.
SCHEMES = {
    "IOB2": "BBII",
    "IOB1": "IIII",
    "BIOES": "SBIE",
    "BILOU": "UBIL",
    "BMES": "SBME",
    "BMEWO": "WBME",
}
# A letter has one meaning in all of them.
IN_BIOES = dict(zip("BIMELSUW", "BIIEESSS", strict=True))

_TYPE_LAST = re.compile(r"(?P<form>[BIMELSUW])[-_](?P<kind>.+)")
_TYPE_FIRST = re.compile(r"(?P<kind>.+)[-_](?P<form>[BIMELSUW])")
_NO_TYPE = re.compile(r"(?P<form>[BIMELSUW])(?P<kind>)")
SPELLINGS = (_TYPE_LAST, _TYPE_FIRST, _NO_TYPE)
# The share of words that makes letters alone, and small ones, tags of spans.
_NEARLY_ALL = 0.9

Span = tuple[str, int, int]
FindSpans = Callable[[Sequence[str]], list[Span]]


def spans(tags: Sequence[str]) -> list[Span]:
    """Type, first and last word of every span of a sentence.

    Tags may be IOB1, IOB2 or BIOES; where they contradict each other, conlleval's reading
    holds: a span ends where a tag starts another one or has another type.

    Source: Tjong Kim Sang and Buchholz 2000, conlleval; as seqeval has it.
    """
    found: list[Span] = []
    first, last_form, last_kind = 0, "O", ""
    for place, tag in enumerate([*tags, "O"]):
        form, kind = tag[0], tag[1:].split("-", 1)[-1] or UNTYPED
        changes = kind != last_kind
        if (
            last_form in {"E", "S"}
            or (last_form in {"B", "I"} and form in {"B", "S", "O"})
            or (changes and last_form not in {"O", "."})
        ):
            found.append((last_kind, first, place - 1))
        if (
            form in {"B", "S"}
            or (form in {"E", "I"} and last_form in {"E", "S", "O"})
            or (changes and form not in {"O", "."})
        ):
            first = place
        last_form, last_kind = form, kind
    return found


def span_labels(tags: Iterable[str]) -> tuple[str, ...] | None:
    """Every form in BIOES of every type that occurs, of which the tags may lack some.

    Odd tags, which are none of spans, have none. None if the tags are not of spans, as
    `read_tags` decides it.

    Args:
        tags: of words; or a mapping of each to how often it occurs.
    """
    counts = Counter(tags)
    capital = _capitals(counts)
    counts = _renamed(counts, capital)
    spelling = _spelling(counts)
    if spelling is None:
        return None
    types = sorted({match["kind"] or UNTYPED for match in _fitting(spelling, counts)})
    return (OUTSIDE, *(f"{form}-{kind}" for kind in types for form in "BIES"))


def _renamed(counts: Mapping[str, int], names: Mapping[str, str]) -> Counter[str]:
    renamed: Counter[str] = Counter()
    for tag, times in counts.items():
        renamed[names.get(tag, tag)] += times
    return renamed


def _capitals(counts: Counter[str], are_spans: bool = False) -> dict[str, str]:
    """Tags of spans with a small letter to the same with a capital, if they are of spans.

    They are if nearly all words other than `o` have one, some begin with `b` or `i`, and
    some words are outside, or `are_spans` says it.
    """
    others = Counter(
        {tag: n for tag, n in counts.items() if tag not in ("", "o", OUTSIDE)}
    )
    capitals = {tag: tag[0].upper() + tag[1:] for tag in others if tag[0].islower()}
    capitals = {tag: c for tag, c in capitals.items() if _TYPE_LAST.fullmatch(c)}
    num_fitting = sum(others[tag] for tag in capitals)
    if not capitals or num_fitting < _NEARLY_ALL * others.total():
        return {}
    has_outside = bool(counts["o"] or counts[OUTSIDE])
    may_be = are_spans or (has_outside and any(tag[0] in "bi" for tag in capitals))
    return capitals | {"o": OUTSIDE} if may_be else {}


def _fitting(spelling: re.Pattern[str], tags: Iterable[str]) -> list[re.Match[str]]:
    return [match for match in map(spelling.fullmatch, tags) if match]


def _spelling(counts: Mapping[str, int]) -> re.Pattern[str] | None:
    """How most words in spans are tagged; None if tags are no spans."""
    others = Counter({tag: n for tag, n in counts.items() if tag not in ("", OUTSIDE)})
    words = {
        spelling: sum(others[match.string] for match in _fitting(spelling, others))
        for spelling in SPELLINGS
    }
    best = max(SPELLINGS, key=words.__getitem__)
    fitting = _fitting(best, others)
    # One odd tag may stand for `O`, so that most words have it.
    odd = [others[tag] for tag in others if not best.fullmatch(tag)]
    num_words = others.total() - max(odd, default=0)
    enough = _NEARLY_ALL if best is _NO_TYPE else 0.5
    if not fitting or words[best] < enough * num_words:
        return None
    # Tags that are no spans, too, may end in such a letter, or be one.
    is_doubtful = best is not _TYPE_LAST and all(m["form"] != "B" for m in fitting)
    return None if is_doubtful else best


class ReadTags(NamedTuple):
    """The tags of a sentence.

    Attributes:
        tags: those of spans in BIOES.
        odd: words whose tag is none of spans, where others are; `tags` are as written then.
        mended: words whose tag contradicts others or the scheme.
    """

    tags: tuple[str, ...]
    odd: tuple[int, ...] = ()
    mended: tuple[int, ...] = ()


class ReadFile(NamedTuple):
    """The tags of a file.

    Attributes:
        scheme: that they are read by, a key of `SCHEMES`, or `NO_SPANS`.
        sentences: in their order.
    """

    scheme: str
    sentences: list[ReadTags]


def read_tags(
    sentences: Sequence[Sequence[str]],
    scheme: str | None = None,
    find_spans: FindSpans = spans,
) -> ReadFile:
    """Reads tags as a file's scheme says.

    Letters have the same meaning in all schemes; so spans are found without it, and
    the scheme is the one in which they are written with the fewest tags that differ. These
    contradict it, as `I-A` at the beginning of a sentence does in IOB2.

    Tags are of spans if enough words have such a tag, of those that have another than `O`
    and than the odd tag that is most frequent, which may stand for `O`: half of them for
    `B-PER` and `PER-B`, 9 of 10 for `B` alone; for small letters (`b-per`, `o`) 9 of 10 of
    all that have another than `o`. The others are odd.

    Args:
        sentences: the tags of each as they are written; empty strings where there are none.
        scheme: a key of `SCHEMES`, or `NO_SPANS`; None finds it.
        find_spans: from tags in BIOES, which may contradict one another, to spans.

    Raises:
        ValueError: no such scheme.
    """
    check_scheme(scheme)
    counts = Counter(tag for tags in sentences for tag in tags)
    if scheme != NO_SPANS and (capital := _capitals(counts, scheme is not None)):
        sentences = [[capital.get(tag, tag) for tag in tags] for tags in sentences]
        counts = _renamed(counts, capital)
    spelling = _spelling(counts)
    if spelling is None and scheme is not None:
        spelling = max(SPELLINGS, key=lambda s: len(_fitting(s, counts)))
    if spelling is None or scheme == NO_SPANS:
        return ReadFile(NO_SPANS, [ReadTags(tuple(tags)) for tags in sentences])
    # A tag to its letter and type, and to the same in BIOES.
    known = {OUTSIDE: (OUTSIDE, OUTSIDE)}
    for match in _fitting(spelling, counts):
        form, kind = match["form"], match["kind"] or UNTYPED
        known[match.string] = f"{form}-{kind}", f"{IN_BIOES[form]}-{kind}"
    parsed = []
    for tags in sentences:
        odd = tuple(i for i, tag in enumerate(tags) if tag not in known)
        if odd or not tags:
            parsed.append(_Parsed(tuple(tags), odd if any(tags) else ()))
            continue
        given, in_bioes = zip(*(known[tag] for tag in tags), strict=True)
        parsed.append(_Parsed(tuple(tags), (), given, find_spans(in_bioes)))
    if scheme is None:
        differ = {s: sum(len(_differing(s, one)) for one in parsed) for s in SCHEMES}
        scheme = min(differ, key=differ.__getitem__)
    return ReadFile(scheme, [_read(scheme, one) for one in parsed])


class _Parsed(NamedTuple):
    """A sentence; without letters and spans if some of its tags are odd, or it has none."""

    tags: tuple[str, ...]
    odd: tuple[int, ...]
    given: tuple[str, ...] = ()
    found: Sequence[Span] = ()


def _read(scheme: str, one: _Parsed) -> ReadTags:
    if not one.given:
        return ReadTags(one.tags, one.odd)
    in_bioes = _written("BIOES", len(one.tags), one.found)
    return ReadTags(tuple(in_bioes), mended=_differing(scheme, one))


def check_scheme(scheme: str | None) -> None:
    """Checks the name of a scheme, or None.

    Raises:
        ValueError: there is no such scheme.
    """
    known = (*SCHEMES, NO_SPANS)
    if scheme is not None and scheme not in known:
        raise ValueError(f"scheme must be one of {list(known)}, got {scheme!r}")


def _written(scheme: str, size: int, found: Sequence[Span]) -> list[str]:
    """The tags of a sentence's words in a scheme."""
    single, first, middle, last = iter(SCHEMES[scheme])
    tags = [OUTSIDE] * size
    before = ("", -1)
    for kind, start, end in found:
        tags[start : end + 1] = [f"{middle}-{kind}"] * (end + 1 - start)
        tags[end] = f"{last}-{kind}"
        begins = first if end > start else single
        if scheme == "IOB1" and before == (kind, start - 1):
            begins = "B"
        tags[start] = f"{begins}-{kind}"
        before = (kind, end)
    return tags


def _differing(scheme: str, one: _Parsed) -> tuple[int, ...]:
    """The words whose tags are not those that the spans have in a scheme."""
    expected = _written(scheme, len(one.given), one.found)
    if one.given == tuple(expected):
        return ()
    pairs = enumerate(zip(one.given, expected, strict=True))
    return tuple(place for place, (tag, other) in pairs if tag != other)
