"""N-best lists: what a recogniser or a translator proposes for each sentence."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from electra_bench.data.text.lines import read_objects
from electra_bench.data.text.streams import Reading, ReadReport

EXPECTED = '{"id": ..., "hypotheses": [{"text": "...", "score": -1.5}, ...]}'


class NBest(NamedTuple):
    """One list.

    Attributes:
        id: its id in the file, or the number of its line; any JSON value.
        where: names file and line in messages.
        hypotheses: proposed texts, at least one; some may be empty.
        scores: the first pass's score of each, larger is better.
        references: right answers; none if unknown.
    """

    id: Any
    where: str
    hypotheses: tuple[str, ...]
    scores: tuple[float, ...]
    references: tuple[str, ...] = ()


def read_nbest(path: str, report: ReadReport | None = None) -> list[NBest]:
    """Reads JSON lines, each a list: `hypotheses`, `references` or `reference`, `id`.

    Args:
        path: a file, packed or not, or `-` for standard input.
        report: of what was read, if it is wanted.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no lists, or one that is not as it should be; says where.
    """
    lists = list(_lists(path, report or ReadReport()))
    if not lists:
        raise ValueError(f"{path}: no n-best lists; expected lines {EXPECTED}")
    return lists


def _lists(path: str, report: ReadReport) -> Iterator[NBest]:
    for line, record in read_objects(path, Reading("line", "", "raise", report)):
        hypotheses = record.get("hypotheses")
        if not isinstance(hypotheses, list) or not hypotheses:
            is_there = "hypotheses" in record
            found = "is no list with entries" if is_there else "is missing"
            raise ValueError(
                f"{line.where}: field 'hypotheses' {found}; expected {EXPECTED}"
            )
        pairs = [
            _hypothesis(content, f"{line.where}: hypothesis {number}")
            for number, content in enumerate(hypotheses, 1)
        ]
        texts, scores = zip(*pairs, strict=True)
        id, references = record.get("id", line.number), _references(record, line.where)
        yield NBest(id, line.where, texts, scores, references)


def _hypothesis(content: Any, where: str) -> tuple[str, float]:
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        raise ValueError(f"{where} has no text; expected a line {EXPECTED}")
    if "score" not in content:
        raise ValueError(f"{where} has no score; expected a line {EXPECTED}")
    score = content["score"]
    is_number = isinstance(score, (int, float)) and not isinstance(score, bool)
    if not is_number or not math.isfinite(score):
        raise ValueError(f"{where}: its score must be a finite number, got {score!r}")
    return content["text"], float(score)


def _references(record: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if "reference" in record and "references" in record:
        raise ValueError(f"{where}: gives both 'reference' and 'references'")
    references = record.get("references", [])
    if "reference" in record:
        references = [record["reference"]]
    is_list = isinstance(references, list)
    if not is_list or not all(isinstance(text, str) for text in references):
        raise ValueError(
            f"{where}: 'reference' must be a string and 'references' a list of strings"
        )
    return tuple(references)
