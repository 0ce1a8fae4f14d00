"""From an exception to one sentence and an exit status.

A verb calls `begin_work` once everything that the user gave has been checked: what is
raised before is the user's to mend (status 2), what is raised later is a failure (1).
"""

import contextvars
import errno
import sys
import traceback

DONE = 0
FAILED = 1
FOUND_WRONG = 2

# What checks raise. Anything else before work is a defect, not a finding.
FINDINGS = (ValueError, KeyError, OSError, ImportError)

# gin appends where in its configuration a call stood; the sentence comes before.
GIN_SUFFIX = "\n  In call to configurable"
# TensorFlow puts the places in a compiled function before the message.
TRACED = "in user code:"


class UsageError(ValueError):
    """Arguments that cannot be understood."""


# Whether the command has started its work.
_began = contextvars.ContextVar("began", default=False)


def new_command() -> None:
    """Marks the start of a command: nothing has been done yet."""
    _began.set(False)


def begin_work() -> None:
    """Marks that all input was found in order; later errors have exit status 1."""
    _began.set(True)


def status(error: BaseException) -> int:
    """The exit status of a command that ended with this exception."""
    if isinstance(error, FINDINGS) and not _began.get():
        return FOUND_WRONG
    return FAILED


def sentence(error: BaseException) -> str:
    """What went wrong, on one line."""
    error = _without_gin(error)
    if isinstance(error, KeyboardInterrupt):
        return _message(error) or "interrupted"
    if _disk_is_full(error):
        name = getattr(error, "filename", None)
        return f"the disk is full{f': cannot write {name!r}' if name else ''}"
    message = _message(error)
    if isinstance(error, (*FINDINGS, RuntimeError)) and message:
        return message
    name = type(error).__name__
    return f"{name}: {message}" if message else name


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        # "[Errno 2] No such file ..." is not a sentence.
        return f"{error.strerror.lower()}: {str(error.filename)!r}"
    if type(error) is KeyError and len(error.args) == 1:
        # str() of a KeyError is the repr of its message.
        text = str(error.args[0])
    else:
        text = str(error)
    if text.startswith(TRACED):
        # The last paragraph is the error's name and message.
        text = text.strip().rsplit("\n\n", 1)[-1].partition(": ")[2] or text
    return " ".join(text.split(GIN_SUFFIX)[0].split())


def _without_gin(error: BaseException) -> BaseException:
    """The error itself, where gin raised a copy that lacks its attributes."""
    inner = error.__context__
    if (
        inner is not None
        and GIN_SUFFIX in str(error)
        and isinstance(error, type(inner))
    ):
        return _without_gin(inner)
    return error


def _disk_is_full(error: BaseException | None) -> bool:
    while error is not None:
        # TensorFlow reports it in words.
        in_words = "No space left on device" in str(error)
        if in_words or getattr(error, "errno", None) == errno.ENOSPC:
            return True
        error = error.__cause__ or error.__context__
    return False


def report(error: BaseException, program: str, *, debug: bool) -> int:
    """Prints an exception to standard error.

    Args:
        error: what ended the command.
        program: "electra-bench VERB".
        debug: whether to print the traceback.

    Returns:
        The exit status.
    """
    if debug:
        traceback.print_exception(error)
    print(f"{program}: error: {sentence(error)}", file=sys.stderr)
    explained = isinstance(error, (*FINDINGS, KeyboardInterrupt))
    if not (explained or debug or _disk_is_full(error)):
        print("--debug shows where it happened", file=sys.stderr)
    return status(error)
