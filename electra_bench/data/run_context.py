"""What a seqio task cannot know when it is registered: data folder, vocabulary, files.

seqio binds sources and vocabularies at registration; ours look these things up here when a
dataset is built, so one registered task serves any vocabulary and any folder.
"""

import contextlib
import contextvars
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Of the rows of a file, or of the lines of a corpus; whoever leaves out more reads another
# one than was meant.
MAX_SKIPPED = 0.1


@dataclasses.dataclass(frozen=True)
class RunContext:
    """The surroundings in which datasets are built.

    Attributes:
        data_dir: folder with the data sets; None if none was given.
        vocabulary: the run's vocabulary (see `vocabularies/wordpiece.py`); None if none was
            given.
        files: split to its files, binds splits of the run's task by hand.
        on_error: what to do about rows that cannot be used, "raise" or "skip"; None does
            what is usual for the task.
        max_skipped: share of a file's rows that may be left out, from 0 to 1.
        skipped: why rows were left out, a key each in their order; what is read again
            counts once.
        notes: what was mended or seems wrong in data that are used: the mark of a score
            that says so ("tags mended") to the places, a key each in their order.
        cut: what the limits of features leave out to how many were, and of how many.
        losses: counts of what texts lose when they become tokens, see
            `electra_bench.vocabularies.text_losses.TextLosses`.
    """

    data_dir: str | None = None
    vocabulary: Any = None
    files: Mapping[str, str | Sequence[str]] = dataclasses.field(default_factory=dict)
    on_error: str | None = None
    max_skipped: float = MAX_SKIPPED
    skipped: dict[str, None] = dataclasses.field(default_factory=dict)
    notes: dict[str, dict[str, None]] = dataclasses.field(default_factory=dict)
    cut: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    losses: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Checks `on_error` and `max_skipped`.

        Raises:
            ValueError: neither of the two, or no share.
        """
        check_share(self.max_skipped)
        if self.on_error not in (None, "raise", "skip"):
            raise ValueError(
                f"on_error must be 'raise' or 'skip', got {self.on_error!r}"
            )


def check_share(max_skipped: float) -> None:
    """Checks the share of rows that may be left out.

    Raises:
        ValueError: no share.
    """
    if not 0 <= max_skipped <= 1:
        raise ValueError(f"max_skipped must be from 0 to 1, got {max_skipped}")


_current: contextvars.ContextVar[RunContext] = contextvars.ContextVar("run_context")


def current() -> RunContext:
    """The context set by `use`, or one with `ELECTRA_BENCH_DATA` as its folder."""
    return _current.get(RunContext(data_dir=os.environ.get("ELECTRA_BENCH_DATA")))


@contextlib.contextmanager
def use(**changes: Any) -> Iterator[RunContext]:
    """Changes fields of the context for a `with` block.

    tf.data runs Python functions on threads of its own, which do not see this: read the
    context when a dataset is built, not when an element is made.
    """
    token = _current.set(dataclasses.replace(current(), **changes))
    try:
        yield _current.get()
    finally:
        _current.reset(token)
