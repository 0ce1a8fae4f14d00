"""What a check is, and what comes of one."""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"


class Violation(AssertionError):
    """A contract does not hold: one sentence with what was found and what expected."""


class NotChecked(Exception):
    """A check does not apply, or lacks something: one sentence that says why."""


# Raises one of the two, or anything that the plugin's own code raises.
Check = Callable[[Any], None]


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        kind: of the thing, in the singular ("model").
        name: registered name.
        check: the check's name.
        status: "passed", "failed" or "skipped".
        reason: why, unless it passed.
    """

    kind: str
    name: str
    check: str
    status: str
    reason: str = ""


def require(condition: Any, sentence: str) -> None:
    """Raises Violation with the sentence unless the condition holds."""
    if not condition:
        raise Violation(sentence)


def require_members(thing: Any, protocol: type) -> None:
    """Raises Violation unless a thing has all that a protocol of `core` asks for."""
    if isinstance(thing, protocol):
        return
    members = {
        name
        for base in protocol.__mro__
        for name in (*vars(base), *vars(base).get("__annotations__", ()))
        if not name.startswith("_") or name == "__call__"
    }
    missing = sorted(name for name in members if not hasattr(thing, name))
    raise Violation(
        f"{type(thing).__name__} has no {', '.join(missing)}; see core.{protocol.__name__}"
    )


def defined_in(module: str, subject: type) -> tuple[Check, ...]:
    """The checks that a module defines: its public functions of a subject alone.

    Args:
        module: name of a module that is loaded.
        subject: class of what they check.
    """

    def is_check(thing: object) -> bool:
        if not inspect.isfunction(thing) or thing.__module__ != module:
            return False
        annotated = [*thing.__annotations__.values()]
        is_public = not thing.__name__.startswith("_")
        if is_public and annotated == [subject]:
            raise TypeError(f"{thing.__name__} is a check only with '-> None'")
        return is_public and annotated == [subject, None]

    return tuple(filter(is_check, vars(sys.modules[module]).values()))


def findings(
    kind: str, name: str, checks: Sequence[Check], subject: Any
) -> Iterator[Finding]:
    """Runs checks on a subject.

    Args:
        kind: of the thing.
        name: its registered name, and what it is checked with.
        checks: the first one is what the others build on: unless it passes, they are
            not run.
        subject: their argument.
    """
    for number, check in enumerate(checks):
        label, status, reason = check.__name__.replace("_", " "), PASSED, ""
        try:
            check(subject)
        except NotChecked as error:
            status, reason = SKIPPED, str(error)
        except Exception as error:  # a plugin's code may raise anything
            status, reason = FAILED, " ".join(str(error).split())
            if not isinstance(error, Violation):
                reason = f"{type(error).__name__}: {reason}"
        yield Finding(kind, name, label, status, reason)
        if number == 0 and status != PASSED and len(checks) > 1:
            reason = f"not run: they need {label!r}"
            yield Finding(kind, name, f"{len(checks) - 1} more checks", SKIPPED, reason)
            return
