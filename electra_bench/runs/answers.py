"""Whether a run's folder already holds what a configuration asks for.

The question that a run asks before it trains, without building a model: the configuration
is compared parameter by parameter, defaults included, and so are the hashes of all inputs.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from electra_bench import config
from electra_bench.records import RecordError, RunRecord, read_record
from electra_bench.records.run_record import FILE_NAME
from electra_bench.runs.run_dir import (
    CONFIG,
    changes_result,
    config_sha256,
    content_hashes,
)

ANSWERED = "answered"
INTERRUPTED = "interrupted"
ABSENT = "absent"
OTHER = "other"
# Beside a checkpoint; `building.MODEL_FILE`, whose module is heavy.
MODEL_FILE = "model.gin"
# Paths to what was found equal by its hash.
CONTENT_COUNTS = re.compile(r"\.(init|vocab)$")


class Answer(NamedTuple):
    """What lies in a run's folder.

    Attributes:
        state: `answered`: a valid record of this run; `interrupted`: its beginning;
            `absent`: nothing; `other`: something else, which would have to be deleted.
        reason: why it is something else.
        record: if it is answered.
    """

    state: str
    reason: str = ""
    record: RunRecord | None = None


def answer(
    run_dir: str,
    parsed: config.Parsed,
    content: Mapping[str, str | None],
    default: Callable[[str], Any],
) -> Answer:
    """Looks into a run's folder.

    Args:
        run_dir: the folder; it need not exist.
        parsed: the configuration.
        content: names of inputs to hashes, as the run itself makes them.
        default: the value of a parameter that the configuration does not bind.
    """
    text = _text(run_dir)
    if text is None:
        files = os.listdir(run_dir) if os.path.isdir(run_dir) else []
        foreign = [name for name in files if not name.startswith((".", CONFIG))]
        if FILE_NAME in foreign:
            return Answer(OTHER, _lone_record(os.path.join(run_dir, FILE_NAME)))
        return Answer(OTHER, "it holds no run") if foreign else Answer(ABSENT)
    found = content_hashes(text)
    wanted = {name: sha for name, sha in content.items() if sha}
    for name in sorted(wanted):
        if name not in found:
            return Answer(OTHER, f"it was made without {name}")
        if found[name] != wanted[name]:
            return Answer(OTHER, f"its {name} has another content")
    for name in sorted(found):
        if name not in wanted:
            return Answer(OTHER, f"it was made with {name}")
    moved = None
    bound = {binding.key for binding in parsed.bindings}
    for key, value in config.literals(text).items():
        # A scope's parameter is bound in the scope, or for all.
        names = [name for name in (key, key.rpartition("/")[2]) if name in bound]
        now = parsed.value(names[0]) if names else default(key)
        if not changes_result(key) or _form(value) == _form(now):
            continue
        difference = Answer(OTHER, f"{key} is {value!r} there, {now!r} here")
        if not CONTENT_COUNTS.search(key):
            return difference
        moved = difference
    path = os.path.join(run_dir, FILE_NAME)
    if not os.path.isfile(path):
        # A run that goes on is told by its paths, too.
        return moved or Answer(INTERRUPTED)
    try:
        record = read_record(path)
    except RecordError as error:
        return Answer(OTHER, str(error))
    if record.config_sha256 != config_sha256(text):
        return Answer(OTHER, f"its {FILE_NAME} is of another configuration")
    if record.status != "done":
        return moved or Answer(INTERRUPTED)
    return Answer(ANSWERED, record=record)


def believed(
    run_dir: str, parsed: config.Parsed, content: Mapping[str, str | None]
) -> Answer:
    """What `answer` says if all that is not known is as it was.

    Args:
        run_dir: the folder; it need not exist.
        parsed: the configuration.
        content: those of the hashes that are known.
    """
    text = _text(run_dir) or ""
    before = config.literals(text)
    return answer(run_dir, parsed, {**content_hashes(text), **content}, before.get)


def _lone_record(path: str) -> str:
    """What is said of a record that has no configuration beside it."""
    try:
        record = read_record(path)
    except RecordError as error:
        return str(error)
    return f"it holds a record of the {record.kind} run {record.run_id!r}, no {CONFIG}"


def _text(run_dir: str) -> str | None:
    """The configuration of the run in a folder; None if there is none."""
    path = os.path.join(run_dir, CONFIG)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


def _form(value: Any) -> str:
    """Equal for equal values, also if one was read back from a file."""
    return json.dumps(value, sort_keys=True, default=repr)
