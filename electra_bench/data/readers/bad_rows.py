"""What is done about rows that cannot be used, or not as they are."""

from collections import Counter
from collections.abc import Callable

from electra_bench.data import run_context
from electra_bench.data.text.reasons import Reasons, too_many
from electra_bench.data.text.streams import OnError


class BadRows:
    """The rows of one file, or split, that cannot be used."""

    def __init__(self, usual: OnError):
        """None yet.

        Args:
            usual: what is done about them where the run does not say.
        """
        self._usual = usual
        self._messages: list[str] = []
        self._times: Counter[str] = Counter()

    def add(self, message: str, usual: OnError | None = None) -> None:
        """One more, see `bad_row`."""
        # Each is counted, also where one sentence is true of several.
        self._times[message] += 1
        if self._times[message] > 1:
            message = f"{message} ({self._times[message]})"
        bad_row(message, usual or self._usual)
        self._messages.append(message)

    def check(self, name: str, kept: int) -> None:
        """Checks that not too many were left out.

        Args:
            name: of the file or split.
            kept: rows that can be used.

        Raises:
            ValueError: more than the context allows; says why.
        """
        if not self._messages:
            return
        bad, limit = len(self._messages), run_context.current().max_skipped
        if bad > limit * (bad + kept):
            count = f"{bad:,} of {bad + kept:,} rows"
            reasons = Reasons(self._messages).by_frequency()
            parameter = "runs.finetune.max_skipped"
            raise ValueError(too_many(name, count, limit, parameter, reasons))


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
