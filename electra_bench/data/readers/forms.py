"""How a file of lines is written, where its name does not say it; and what is not read."""

import os
import re
from typing import NamedTuple

UTF_8 = "utf-8"
# Separates the columns of files that have one.
WHOLE_LINE = "\n"
# What a file's name ends in, or its content begins with, to what it is and what to make
# of it.
_RECORDS = "write JSON lines (.jsonl), CSV or Parquet"
_UNPACK = "unpack it"
_BY_ENDING = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), ("a spreadsheet", "save it as CSV")),
    **dict.fromkeys((".xml", ".html", ".htm"), ("XML or HTML", _RECORDS)),
    **dict.fromkeys((".yaml", ".yml", ".toml"), ("YAML or TOML", _RECORDS)),
    **dict.fromkeys((".arrow", ".feather", ".orc", ".avro"), ("Arrow", _RECORDS)),
    **dict.fromkeys((".pkl", ".pickle", ".npy", ".npz"), ("Python's own", _RECORDS)),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), ("a data base", _RECORDS)),
    **dict.fromkeys((".pdf", ".doc", ".docx", ".rtf"), ("a document", _RECORDS)),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), ("an archive", _UNPACK)),
}
_BY_CONTENT = {
    **dict.fromkeys(
        (b"<?xml", b"<!DOCTYPE", b"<!doctype", b"<html"), _BY_ENDING[".xml"]
    ),
    b"PK\x03\x04": ("a spreadsheet or an archive", "save it as CSV, or unpack it"),
    b"\xd0\xcf\x11\xe0": _BY_ENDING[".xls"],
    b"PAR1": ("Parquet", "call it .parquet"),
    b"ARROW1": _BY_ENDING[".arrow"],
    b"%PDF-": _BY_ENDING[".pdf"],
    b"SQLite format 3": _BY_ENDING[".db"],
}


def refuse_other_formats(
    path: str | os.PathLike[str], beginning: bytes = b"", ending: str = ""
) -> None:
    """Checks that a file is of none of the usual formats that are not read.

    Args:
        path: of the file.
        beginning: first bytes of its content, as it is after unpacking.
        ending: of its name, where that tells the format.

    Raises:
        ValueError: it is of one; says of which, and what to convert it to.
    """
    found = _BY_ENDING.get(ending.lower())
    for magic, other in _BY_CONTENT.items():
        if beginning.startswith(magic):
            found = other
    if found:
        raise ValueError(f"{path}: this is {found[0]}, which is not read; {found[1]}")


class Form(NamedTuple):
    """How a file of lines is written.

    Attributes:
        sep: what separates columns, a character or a regular expression; None for what
            the file's name says.
        quote: the character that encloses fields, which may then hold separators and line
            ends; empty for none; None for what the file's name says.
        encoding: of the characters, a name that Python knows.
        comment: what lines begin with that are left out; empty for none.
        last: number of the column that takes the rest of a line, from 0; None for none.
    """

    sep: str | None = None
    quote: str | None = None
    encoding: str = UTF_8
    comment: str = ""
    last: int | None = None

    @property
    def bound(self) -> dict[str, str]:
        """What is not as it is where nothing is said."""
        fields = self._replace(last=None)._asdict()
        usual = AS_NAMED._asdict()
        return {name: value for name, value in fields.items() if value != usual[name]}

    @property
    def separates_words(self) -> bool:
        """Whether columns stand between blanks, which texts have, too."""
        return self.sep is not None and bool(re.match(self._pattern, " "))

    def check(self) -> None:
        """Checks that it can be.

        Raises:
            ValueError: no such encoding, no regular expression, or a quote that is no
                character.
        """
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(
                f"encoding {self.encoding!r} is not known; expected one such as 'utf-8', "
                "'latin-1' or 'utf-16'"
            ) from None
        try:
            groups = re.compile(self._pattern).groups
        except re.error as error:
            raise ValueError(
                f"sep = {self.sep!r} is no regular expression, as more than one character "
                f"must be: {error}"
            ) from None
        if groups:
            raise ValueError(f"sep = {self.sep!r} has groups; write (?:...) for (...)")
        if self.sep == "":
            raise ValueError("sep is empty, expected a character or an expression")
        if self.quote and (len(self.quote) > 1 or len(self.sep or ",") > 1):
            raise ValueError(
                f"quote = {self.quote!r} and sep = {self.sep!r}: fields are enclosed by "
                "one character, and separated by one then"
            )

    def cells(self, text: str) -> list[str]:
        """The fields of a line where nothing encloses them."""
        if self.sep is None or self.last == 0:
            return [text]
        return re.split(self._pattern, text, maxsplit=self.last or 0)

    @property
    def _pattern(self) -> str:
        sep = self.sep or ""
        return re.escape(sep) if len(sep) == 1 else sep


# Nothing is said beside the name.
AS_NAMED = Form()
