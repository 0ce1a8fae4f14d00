"""How a line of a column file is cut into cells."""

import re

# The word that begins a document.
DOCUMENT_START = "-DOCSTART-"
# Other white space may be in words: no-break spaces, those of Chinese.
BLANKS = " \t\r\n\f\v"


_WORDS = re.compile(f"[^{BLANKS}]+")


def words_of(text: str) -> list[str]:
    """What stands between blanks; as opposed to `split`, not between no-break spaces."""
    return _WORDS.findall(text)


def between_tabs(text: str) -> list[str]:
    """Cells between tabs, of which several may align a column, without blanks around."""
    return re.split(r" *\t[\t ]*", text.strip(BLANKS))


def is_cell(text: str) -> bool:
    """Whether a word or tag is read from columns between tabs as it was written."""
    is_text = text not in ("", DOCUMENT_START) and text == text.strip(BLANKS)
    return is_text and "\t" not in text and "\n" not in text
