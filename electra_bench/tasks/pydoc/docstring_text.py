"""Prose, parameters and inline mark-up of documentation strings.

numpydoc, Google and reStructuredText styles are read by their layout alone: blank lines,
indentation and section titles. docutils would need every project's own directives, and
knows neither Google's sections nor Markdown.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Paragraph(NamedTuple):
    """One piece of prose, on one line, with its inline mark-up.

    Attributes:
        section: title of the section it stands in; empty before the first one.
        head: in a list of parameters what names one: a line of its own (`x : array_like`)
            or the beginning of one, with its colon (`x:`, `x (int):`); empty elsewhere.
        text: the prose.
    """

    section: str
    head: str
    text: str


_SECTION = re.compile(
    "args|arguments|attributes|call_arguments|examples?|input_shape|inputs|keyword_args"
    "|methods|notes?|other_parameters|output_shape|outputs|parameters|raises"
    "|references?|returns?|see_also|usage|warnings|warns|yields"
)
_WITHOUT_PROSE = re.compile("examples?|methods|references?|see_also|usage")
_UNDERLINE = re.compile(r"([-=~^*#+\"'`.])\1{2,}$")
_CODE_LINE = re.compile(r"(>|\.\.\. |In \[|Out\[|\$ |@|#!|<|\||\+[-=])")
_DIRECTIVE = re.compile(r"\.\. ?[\w:-]+::")
_BULLET = re.compile(r"([-*+•]|\d+[.)])\s+")
_NUMPY_HEAD = re.compile(
    r"\*{0,2}[A-Za-z_]\w*(, ?\*{0,2}\w+)*( \([^)]*\))?( ?:( .*)?)?$"
)
_GOOGLE_HEAD = re.compile(r"`{0,2}\*{0,2}[A-Za-z_]\w*`{0,2}(?: \([^)]*\))?: +(?=\S)")


def paragraphs(text: str) -> list[Paragraph]:
    """The prose of a documentation string.

    Left out are code, interactive sessions, tables, formulas, directives, lists of
    references and titles; wrapped lines are joined; every entry of a list is a paragraph.

    Args:
        text: a documentation string without indentation.
    """
    found = []
    section = ""
    for title, block in _blocks(text.expandtabs().split("\n")):
        if title is not None:
            section = title
        if block and not _WITHOUT_PROSE.fullmatch(section):
            found += _block_paragraphs(section, block)
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _blocks(lines: Sequence[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Blocks between blank lines without code; a title comes with an empty block."""
    block: list[str] = []
    code_indent: int | None = None  # within code: deeper lines belong to it
    fenced = False
    for number, line in enumerate([*lines, ""]):
        stripped = line.strip()
        if stripped.startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            continue
        if code_indent is not None and stripped:
            if _indent(line) > code_indent:
                continue
            code_indent = None
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        title = _title(stripped, following)
        if title is not None or not stripped:
            if block:
                yield None, block
            block = []
            if title is not None:
                yield title, []
        elif _DIRECTIVE.match(stripped) or stripped.startswith(".. "):
            code_indent = _indent(line)
        elif not _UNDERLINE.fullmatch(stripped):
            block.append(line.rstrip())
            if stripped.endswith("::"):
                code_indent = _indent(line)


def _title(line: str, following: str) -> str | None:
    name = line.rstrip(":").lower().replace(" ", "_")
    underlined = bool(line) and bool(_UNDERLINE.fullmatch(following))
    if (underlined or line.endswith(":")) and _SECTION.fullmatch(name):
        return name
    return name if underlined and len(following) >= len(line) - 1 else None


def _block_paragraphs(section: str, block: list[str]) -> Iterator[Paragraph]:
    named = section not in ("", "notes", "note")
    for item in _items(block, named):
        first = item[0].strip()
        head, rest = "", [line.strip() for line in item]
        google = named and _GOOGLE_HEAD.match(first)
        if len(item) > 1 and _indent(item[1]) > _indent(item[0]) and not google:
            if _NUMPY_HEAD.match(first) and not _BULLET.match(first):
                head, rest = first, rest[1:]
        elif google:
            head, rest = google[0].rstrip(), [first[google.end() :], *rest[1:]]
        if any(_CODE_LINE.match(line) for line in rest):
            continue
        prose = " ".join(_BULLET.sub("", " ".join(rest), count=1).split())
        prose = re.sub(r"::$", ":", prose)
        if is_prose(prose):
            yield Paragraph(section, head, prose)


def _items(block: list[str], named: bool) -> list[list[str]]:
    """Splits a list: a line that is indented least, or is a bullet, begins an entry.

    In a list of names (`named`) without deeper lines, `name: ` does too.
    """
    indents = [_indent(line) for line in block]
    hanging = max(indents) > min(indents)
    items: list[list[str]] = []
    for line, indent in zip(block, indents, strict=True):
        least = indent == min(indents)
        starts = least and (hanging or (named and _GOOGLE_HEAD.match(line.strip())))
        if not items or starts or _BULLET.match(line.strip()):
            items.append([])
        items[-1].append(line)
    return items


def is_prose(text: str) -> bool:
    """Whether a text is mostly words: three or more, 70 % letters and spaces."""
    letters = sum(c.isalpha() or c == " " for c in text)
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 and letters >= 0.7 * len(text)


_ROLE = re.compile(r":(?:[\w-]+:)*[\w-]+:`([^`]+)`")
_LINK = re.compile(r"\[([^\]\n]+)\]\([^)\s]+\)|`([^`<]+?) ?<[^>`]+>`__?")
_FOOTNOTE = re.compile(r" ?\[[\w#*]+\]_")
_EMPHASIS = re.compile(r"(?<![\w*\\])(\*{1,2})([^\s*](?:[^*\n]*[^\s*])?)\1(?![\w*])")


def without_links(text: str) -> str:
    """The text with cross references and links replaced by what they show."""
    text = _ROLE.sub(_shown, text)
    text = _LINK.sub(lambda match: match[1] or match[2], text)
    return _FOOTNOTE.sub("", text)


def _shown(match: re.Match) -> str:
    shown = match[1].split("<")[0].strip() or match[1]
    return shown.lstrip("~!")


def plain(text: str) -> str:
    """The text without any inline mark-up: links, emphasis, back-ticks."""
    text = _EMPHASIS.sub(r"\2", without_links(text))
    text = re.sub(r"`+([^`]*)`+_{0,2}", r"\1", text)
    return " ".join(text.replace("`", "").split())


def sentences(text: str) -> list[str]:
    """Splits prose where a full stop and a capital meet; abbreviations may split too."""
    return re.split(r"(?<=[.!?]) +(?=[A-Z])", text)
