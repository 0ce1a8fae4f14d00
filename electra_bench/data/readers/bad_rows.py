"""What is done about a row that cannot be used, or only once it is put right."""

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


def replaced_in(where: str) -> Callable[[int], None]:
    """What tells the context of characters of a file that are no text.

    Args:
        where: file, and line if there are any.
    """

    def tell(count: int) -> None:
        repaired(
            "characters replaced", f"{where}: {count} half surrogate pairs, as '?'"
        )

    return tell


def repaired(what: str, message: str) -> None:
    """Tells the context that something was put right in a row that is kept.

    Args:
        what: in the word or two that tables show: "answers moved".
        message: how, with file and line or id.
    """
    run_context.current().repaired.setdefault(what, {})[message] = None
