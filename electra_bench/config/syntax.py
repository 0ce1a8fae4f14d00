"""gin's grammar, with mistakes that say how to mend them; what the command line adds."""

import functools
import re
import tokenize
from collections.abc import Iterator
from typing import Any, NamedTuple

from gin import config_parser

# Words of other languages to what Python calls them.
CONSTANTS = {"true": "True", "false": "False", "none": "None", "null": "None"}
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
# What a string without quotes is made of: no blanks, quotes or brackets.
_WORD = re.compile(r"""[^\s'"()\[\]{},@%=-][^\s'"()\[\]{},]*""")
# Several of them, with commas or blanks between.
_WORDS = re.compile(r"""[^\s'"()\[\]{}@%=#-][^'"()\[\]{}#]*""")
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:\s*,\s*{_NUMBER})+")
_BINDING = re.compile(r"\s*[\w./]+\s*=")
_TOKEN = re.compile(r"Failed to parse token '(.*)'", re.S)


class ConfigError(ValueError):
    """A mistake in a gin file or an override; the message says where."""


class Reference(NamedTuple):
    """`@scope/selector` or `@scope/selector()`."""

    selector: str
    evaluate: bool

    def __str__(self) -> str:
        return f"@{self.selector}{'()' if self.evaluate else ''}"


class Macro(NamedTuple):
    """`%NAME`."""

    name: str


class _Mistake(Exception):
    """What is wrong in a text, and in which of its lines, from 1."""

    def __init__(self, line: int, cure: str):
        super().__init__(cure)
        self.line = line


class _Delegate(config_parser.ParserDelegate):
    def configurable_reference(self, scoped_configurable_name, evaluate):
        return Reference(scoped_configurable_name, evaluate)

    def macro(self, macro_name):
        return Macro(macro_name)


def parsed(source: str, file: str) -> tuple[Any, ...]:
    """gin's statements.

    Args:
        source: the text.
        file: where it stands, for messages.

    Raises:
        ConfigError: not gin; says file, line and how to mend it.
    """
    try:
        return _parsed(source)
    except _Mistake as mistake:
        raise ConfigError(f"{file}:{mistake.line}: not gin: {mistake}") from mistake


def parsed_override(override: str, place: str) -> tuple[Any, ...]:
    """As `parsed`, of one binding of the command line.

    Raises:
        ConfigError: not gin; repeats the binding.
    """
    try:
        return _parsed(override)
    except _Mistake as mistake:
        shell = ""
        if "in quotes" in str(mistake):
            shell = (
                """; within quotes for the shell, --gin.NAME="'two words'" """.rstrip()
            )
        message = f"{place}: not gin: {override}: {mistake}{shell}"
        raise ConfigError(message) from mistake


def with_quotes(override: str) -> str:
    """A binding of the command line as gin has it.

    There, where the shell takes a pair of quotes away, a word is a string, and numbers
    with commas between them are a list.
    """
    key, equals, value = (part.strip() for part in override.partition("="))
    if not equals:
        return override
    if _NUMBERS.fullmatch(value):
        return f"{key} = [{value}]"
    if not _WORD.fullmatch(value) or value in CONSTANTS or _is_value(value):
        return override
    return f"{key} = {value!r}"


def _is_value(text: str) -> bool:
    try:
        _parsed(f"VALUE = {text}")
    except _Mistake:
        return False
    return True


# Cells of a suite differ in a few lines only.
@functools.lru_cache(maxsize=256)
def _parsed(source: str) -> tuple[Any, ...]:
    line, parser = 1, None
    try:
        parser = config_parser.ConfigParser(source, _Delegate())
        return tuple(parser)
    except SyntaxError as error:  # of gin's parser, or of Python's indentation
        line, column, message = error.lineno or 1, error.offset or 0, error.msg
    except tokenize.TokenError as error:
        message, (line, column) = error.args
    except TypeError as error:  # a list as a key of a dict
        line = parser.current_token.start[0] if parser else 1
        raise _Mistake(line, str(error)) from error
    raise _Mistake(*_mended(source, line, column, message))


def _mended(source: str, number: int, column: int, message: str) -> tuple[int, str]:
    """Where a mistake begins, and what to do about it.

    Args:
        source: the text.
        number: line at which it was noticed, from 1.
        column: place in the line.
        message: what gin or Python says.
    """
    lines = source.splitlines() or [""]
    # An error at the end of the text is behind its last line.
    number = min(number, len(lines))
    line = lines[number - 1]
    token = _TOKEN.search(message)
    begins = "EOF" in message or not token or _BINDING.match(line)
    if begins and (found := _unclosed(source, (number, column), "EOF" in message)):
        opened, bracket = found
        if "EOF" in message or opened < number:
            closing = _BRACKETS.get(bracket)
            what = f"has no {closing!r}" if closing else "is not closed"
            return opened, f"the {bracket!r} {what}"
    return number, _cure(line, token and token[1], message)


def _cure(line: str, word: str | None, message: str) -> str:
    """What to do about a mistake within a line; `word` is what is no value."""
    key, equals, value = (part.strip() for part in line.partition("="))
    if word and word.lower() in CONSTANTS:
        return f"{word!r} is written {CONSTANTS[word.lower()]}"
    if word and line.lstrip().startswith("include "):
        return f"a string stands in quotes: include {line.split()[1]!r}"
    if word and _WORDS.fullmatch(value):
        words = [part.strip() for part in value.split(",")]
        if len(words) > 1:
            return f"a list stands in brackets and strings in quotes: {key} = {words}"
        return f"a string stands in quotes: {key} = {value!r}"
    if word:
        return f"{word!r} is no value; a string stands in quotes: {word!r}"
    if set(line) & set("“”‘’"):
        return "strings stand in straight quotes, ' or \""
    if _is_open_quote(line):
        return "a quote is not closed"
    if equals and not value.partition("#")[0].strip():
        return f"no value after {key} ="
    if equals and message.startswith("Expected newline"):
        return (
            f"more than one value after {key} =; a list stands in brackets, a string in "
            "quotes, and nothing is computed"
        )
    if not equals and message.startswith(("Couldn't parse", "Unexpected token")):
        return f"expected NAME = VALUE, got {line.strip()!r}"
    # One line of it, without the full stop.
    return message.splitlines()[0].strip().rstrip(".").lower()


def _unclosed(
    source: str, position: tuple[int, int], whole: bool
) -> tuple[int, str] | None:
    """Line and text of the innermost bracket or triple quote open at a position.

    Args:
        source: the text.
        position: line, from 1, and column.
        whole: whether to look at the text to its end instead.
    """
    found: list[tuple[int, str]] = []
    for token in _tokens(source):
        if not whole and token.start >= position:
            break
        if token.string in _BRACKETS:
            found.append((token.start[0], token.string))
        elif token.string in _BRACKETS.values() and found:
            found.pop()
    if whole and not found:
        for number, line in enumerate(source.splitlines(), 1):
            for quote in ("'''", '"""'):
                if line.count(quote) % 2:
                    found = [(number, quote)]
    return found[-1] if found else None


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text as far as it has some."""
    lines = iter(source.splitlines(keepends=True))
    try:
        yield from tokenize.generate_tokens(lambda: next(lines, ""))
    except (tokenize.TokenError, SyntaxError):
        return


def _is_open_quote(line: str) -> bool:
    try:
        tokens = list(tokenize.generate_tokens(iter([line]).__next__))
    except tokenize.TokenError as error:  # Python 3.12 and later
        return "unterminated string" in error.args[0]
    except SyntaxError:
        return False
    return any(t.type == tokenize.ERRORTOKEN and t.string[0] in "'\"" for t in tokens)
