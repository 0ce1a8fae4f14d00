"""What is done about rows that cannot be used, or not as they are."""

from collections.abc import Callable

from electra_bench.data import run_context
from electra_bench.data.text.streams import OnError


def bad_row(message: str, usual: OnError) -> None:
    """Raises, or leaves the row out and tells the context.

    Args:
        message: what is wrong, with file and line or id.
        usual: what is done where the run does not say.

    Raises:
        ValueError: if errors are to be raised.
    """
    context = run_context.current()
    if (context.on_error or usual) == "raise":
        raise ValueError(message)
    context.skipped[message] = None


def note(mark: str, message: str) -> None:
    """Tells the context what was mended, or seems wrong, in a row that is used.

    Args:
        mark: of the scores that it is behind, in a word or two.
        message: what it is, with file and line or split.
    """
    run_context.current().notes.setdefault(mark, {})[message] = None


def replaced_in(where: str) -> Callable[[int], None]:
    """What tells the context of characters of a file that are no text.

    Args:
        where: file, and line if there are any.
    """

    def tell(count: int) -> None:
        note("characters replaced", f"{where}: {count} half surrogate pairs, as '?'")

    return tell
