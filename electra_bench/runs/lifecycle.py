"""A run from its start to its record: whether it is done, begun, or another one's folder.

No TensorFlow: suites and `suite status` ask the same questions.
"""

import contextlib
import dataclasses
import datetime
import functools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from electra_bench import config
from electra_bench.config.statements import plain
from electra_bench.records import RecordError, RunRecord, read_record, write_record
from electra_bench.records.run_folder import (
    ABSENT,
    ANSWERED,
    CONFIG,
    INTERRUPTED,
    OTHER,
    OTHER_CODE,
    config_of,
    record_of,
    write_gin,
)
from electra_bench.records.run_record import CODE_UNKNOWN, FILE_NAME, accept_code
from electra_bench.runs.identity import Inputs, config_sha256, identity
from electra_bench.runs.session import Session
from electra_bench.runs.spec import RunSpec, counted
from electra_bench.system import locks
from electra_bench.system.atomic import make_folder, remove

_LOCK = ".lock"
# What the configuration's paths held: "#= vocabulary 3f2a...".
_CONTENT = "#= "
# The code that it was begun with, and what it went on under: "#~ code 3f2a...".
_CODE = "#~ code "
_IDENTITY = "#~ identity "


class AnotherRun(FileExistsError):
    """The folder holds a run with another configuration, or one that is going on."""


# How long a training is.
LENGTHS = (
    "runs.pretrain.train_steps",
    "runs.pretrain.train_flops",
    "runs.finetune.epochs",
)


class Stored(NamedTuple):
    """What a run's folder says that it is of.

    Attributes:
        text: its configuration; `parameters`: key to value.
        inputs: what it was made of. The code is unknown of runs before records of
            version 2.
        identity: as its record has it, too; None where the code is unknown.
    """

    text: str
    parameters: Mapping[str, Any]
    inputs: Inputs
    identity: str | None

    @classmethod
    def of(cls, text: str) -> "Stored":
        """What the text of a folder's configuration says."""

        def noted(mark: str) -> list[str]:
            lines = text.splitlines()
            return [x.removeprefix(mark) for x in lines if x.startswith(mark)]

        hashes = [line.rpartition(" ") for line in noted(_CONTENT)]
        content = {name: sha for name, _, sha in hashes}
        inputs = Inputs(content, tuple(noted(_CODE)))
        return cls(
            text, config.literals(text), inputs, next(iter(noted(_IDENTITY)), None)
        )


def stored(run_dir: str) -> Stored | None:
    """What a folder says of the run in it; None if it holds none, or it is damaged."""
    try:
        path = config_of(run_dir)
    except (FileNotFoundError, ValueError):
        return None
    with open(path, encoding="utf-8") as file:
        return Stored.of(file.read())


class Found(NamedTuple):
    """What lies in a run's folder.

    Attributes:
        state: see `run_folder`.
        reason: why it is not answered, where there is more to say.
        record: if it is done.
        line: in which configurations differ, and who has it.
        cure: what to do about it, where that is more than to choose another folder.
    """

    state: str
    reason: str = ""
    record: RunRecord | None = None
    line: str = ""
    cure: str = ""


def find(
    run_dir: str,
    parameters: Mapping[str, Any],
    inputs: Inputs,
    default: Callable[[str], Any] = config.default_of,
) -> Found:
    """Looks whether a folder holds a run that is asked for.

    Args:
        run_dir: the folder; it need not exist.
        parameters: of the run; those that only one side has are compared with defaults.
        inputs: what it is made of.
        default: the value of a parameter that is not among `parameters`.
    """
    before = stored(run_dir) or _of_record(run_dir, parameters, inputs)
    if before is None:
        files = os.listdir(run_dir) if os.path.isdir(run_dir) else []
        foreign = [name for name in files if not name.startswith((".", CONFIG))]
        if foreign and CONFIG in files:
            # A power loss has taken it. It is written first: where it lies alone, nothing
            # else is lost.
            return Found(
                OTHER, f"its {CONFIG} is damaged, and nothing else tells its run"
            )
        if FILE_NAME in foreign:
            return Found(OTHER, _lone_record(os.path.join(run_dir, FILE_NAME)))
        return Found(OTHER, "it holds no run") if foreign else Found(ABSENT)
    reason, line = _difference(before, parameters, inputs.content, default)
    if reason:
        cure = _lengthened(run_dir, before.parameters, parameters)
        return Found(OTHER, reason, line=line, cure=cure)
    record, problem = _record(run_dir)
    if problem and not _is_cut(run_dir):
        return Found(OTHER, problem)
    if record and record.identity and before.identity not in (None, record.identity):
        return Found(OTHER, f"its {FILE_NAME} is of another configuration")
    if record and record.status != "done":
        record = None
    # What went on under other code was accepted for the last one only.
    known = {*before.inputs.code[-1:], *(record.code_accepted if record else ())}
    if known and not known.issuperset(inputs.code):
        return Found(OTHER_CODE, "it was made by other code", record)
    if record:
        return Found(ANSWERED, record=record)
    return Found(INTERRUPTED, problem)


def _of_record(
    run_dir: str, parameters: Mapping[str, Any], inputs: Inputs
) -> Stored | None:
    """What a folder without a configuration is of, if its record says that it is this."""
    record, _ = _record(run_dir)
    is_damaged = os.path.isfile(os.path.join(run_dir, CONFIG))
    if not record or not is_damaged:
        return None
    if record.config_sha256 != config_sha256(parameters, inputs):
        return None
    code = (record.code_sha256, *record.code_continued)
    made_of = Inputs(inputs.content, tuple(filter(None, code)))
    return Stored("", parameters, made_of, record.identity)


def _lengthened(run_dir: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """How to train on from a run that was shorter than what is asked for; or nothing."""
    for key in LENGTHS:
        before, now = there.get(key), here.get(key)
        if before is not None and now is not None and before < now:
            return (
                "a run is not lengthened, as its learning rate has come to its end: to "
                f"train on from its encoder, give INIT = {run_dir!r} and another LABEL"
            )
    return ""


def _record(run_dir: str) -> tuple[RunRecord | None, str]:
    """The record in a folder, if there is one, and why it cannot be read."""
    try:
        return record_of(run_dir), ""
    except RecordError as error:
        return None, str(error)


def _is_cut(run_dir: str) -> bool:
    """Whether the record is no JSON, as after a power loss."""
    try:
        with open(os.path.join(run_dir, FILE_NAME), "rb") as file:
            json.loads(file.read())
    except (OSError, RecursionError):
        return False
    except ValueError:
        return True
    return False


def _difference(
    before: Stored,
    parameters: Mapping[str, Any],
    content: Mapping[str, str],
    default: Callable[[str], Any],
) -> tuple[str, str]:
    """A sentence on the first difference, and the line that one side alone has."""
    there = before.inputs.content
    for name in sorted(content):
        if name not in there:
            line = f"{name} {content[name]}"
            return f"it was made without {name}", f"{line!r} only here"
        if there[name] != content[name]:
            line = f"{name} {there[name]}"
            return f"its {name} has another content", f"{line!r} only there"
    gone = min(there.keys() - content, default=None)
    if gone is not None:
        line = f"{gone} {there[gone]}"
        return f"it was made with {gone}", f"{line!r} only there"
    for key in counted({**before.parameters, **parameters}):
        values = [
            side[key] if key in side else plain(default(key))
            for side in (before.parameters, parameters)
        ]
        if values[0] != values[1]:
            reason = f"{key} is {values[0]!r} there, {values[1]!r} here"
            return reason, _line(before, key, values[1])
    return "", ""


def _line(before: Stored, key: str, here: Any) -> str:
    """The line of a configuration that gives a parameter its value."""
    lines = dict(x.split(" = ", 1) for x in before.text.splitlines() if " = " in x)
    if key not in lines:
        return f"{f'{key} = {here!r}'!r} only here"
    there = before.parameters[key]
    while lines[key].removeprefix("%") in lines:
        key = lines[key].removeprefix("%")
    if "%" in lines[key]:  # macros inside a list, whose values differ
        return f"{f'{key} = {there!r}'!r} only there"
    return f"{f'{key} = {lines[key]}'!r} only there"


def _lone_record(path: str) -> str:
    """What is said of a record that has no configuration beside it."""
    try:
        record = read_record(path)
    except RecordError as error:
        return str(error)
    return f"it holds a record of the {record.kind} run {record.run_id!r}, no {CONFIG}"


@dataclasses.dataclass
class OpenRun:
    """A run whose folder this process holds.

    Attributes:
        session: how it was started.
        spec: what it is.
        inputs: what it is made of.
        folder: its folder; empty for a run that keeps no record.
        started: when.
        record: if it was done before.
    """

    session: Session
    spec: RunSpec
    inputs: Inputs
    folder: str
    started: str
    record: RunRecord | None = None

    @functools.cached_property
    def config_sha256(self) -> str:
        """Hash of the configuration and of what it reads."""
        return config_sha256(self.spec.parameters, self.inputs)

    def finish(self, **fields: Any) -> RunRecord:
        """Makes the record, writes it and returns it.

        Args:
            **fields: of `RunRecord`, beside those that say which run it is and when.
        """
        spec, code = self.spec, self.inputs.code
        same = identity(spec.parameters, self.inputs)
        kept: dict[str, Any] = {"run_id": spec.name}
        if self.folder:
            kept = {
                "run_id": f"{spec.name}-{self.config_sha256[:8]}",
                "config_sha256": self.config_sha256,
                "identity": same.with_seed,
                "identity_without_seed": same.without_seed,
                "recipe": same.recipe,
                "parent_recipe": self.inputs.parent_recipe,
            }
        known = {
            "label": spec.label,
            "kind": spec.root,
            "status": "done",
            "seed": spec.seed,
            "hparams": spec.parameters,
            "code_sha256": code[0] if code else None,
            "code_continued": list(code[1:]),
            "suite": self.session.suite,
            "cell_id": self.session.cell_id,
            "started": self.started,
            "ended": now(),
        }
        record = RunRecord(**{**kept, **known, **fields})
        if self.folder:
            note = stored(self.folder)
            noted = same.with_seed if code else None
            if note is None or note.identity != noted:
                # The old record does not belong to the new note.
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(self.folder, FILE_NAME))
                _write_config(self.folder, spec, self.inputs)
            write_record(self.folder, record)
        return record


def now() -> str:
    """The time, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def open_run(
    session: Session,
    spec: RunSpec,
    inputs: Inputs,
    workdir: str | None,
    *,
    spared: Iterable[str | None] = (),
    again: bool = False,
) -> Iterator[OpenRun]:
    """Makes the folder of a run, or opens it to go on; holds it for this process.

    Args:
        session: how it was started. With `overwrite` what lies in the folder is deleted:
            another run, a finished one, any files; never the progress of this very run.
        spec: what it is.
        inputs: what it is made of. Equal paths with other content make another run.
        workdir: the folder is made inside it; None keeps no record.
        spared: files that must not be deleted.
        again: whether a finished run is not believed but made once more.

    Yields:
        The run; its record is there if it was done before.

    Raises:
        AnotherRun: the folder holds another run, or other files, and `overwrite` is off;
            or another process is at work in it.
        ValueError: `overwrite` would delete what it starts from.
    """
    started = now()
    if workdir is None:
        session.begin()
        yield OpenRun(session, spec, inputs, "", started)
        return
    run_dir = os.path.join(workdir, spec.name)
    for path in spared:
        _check_spared(path, run_dir, session.overwrite)
    make_folder(run_dir)
    with open(os.path.join(run_dir, _LOCK), "a", encoding="utf-8") as lock:
        if not locks.lock(lock):
            raise AnotherRun(f"another process is at work in {run_dir}")
        found = find(run_dir, spec.parameters, inputs)
        has_record = os.path.isfile(os.path.join(run_dir, FILE_NAME))
        if session.overwrite and (has_record or found.state in (OTHER, OTHER_CODE)):
            _empty(run_dir)
            found = Found(ABSENT)
        inputs = _entered(
            run_dir, spec, inputs, found, accept=session.accept_code, again=again
        )
        run = OpenRun(session, spec, inputs, run_dir, started)
        if found.record and not again:
            code = "" if found.record.code_sha256 else f" ({CODE_UNKNOWN})"
            print(f"{run_dir} is done already{code}")
            run.record = read_record(os.path.join(run_dir, FILE_NAME))
        else:
            session.begin()
        yield run


def _entered(
    run_dir: str,
    spec: RunSpec,
    inputs: Inputs,
    found: Found,
    *,
    accept: bool,
    again: bool,
) -> Inputs:
    """Writes down what the run is of, or checks that this was done; the inputs then.

    Raises:
        AnotherRun: it is another one, or of other code that is not accepted.
    """
    way_out = "give --overwrite to delete it"
    if found.state == OTHER:
        if found.line:
            raise AnotherRun(
                f"{run_dir} holds another run: {found.line}; "
                f"{found.cure or 'choose another --workdir'}, or {way_out}"
            )
        if not os.path.isfile(os.path.join(run_dir, CONFIG)):
            raise AnotherRun(
                f"{run_dir} is not empty and holds no run; choose another --workdir, or "
                f"{way_out}"
            )
        raise AnotherRun(f"{run_dir}: {found.reason}; {way_out}")
    if found.state == ABSENT:
        _write_config(run_dir, spec, inputs)
        return inputs
    if found.state == OTHER_CODE and not accept:
        raise AnotherRun(
            f"{run_dir} holds this run made by other code; give --accept_code to take it "
            "all the same, which its record says, or --overwrite to run it again"
        )
    if found.state != OTHER_CODE and found.reason:
        print(
            f"{found.reason}; as after a power loss: it goes on from its checkpoint",
            flush=True,
        )
    kept = stored(run_dir)
    before = kept.inputs.code if kept else ()
    if found.record:
        if again:  # the record that it ends with brings the configuration up to date
            return inputs
        if found.state == OTHER_CODE:
            accept_code(run_dir, inputs.code[0])
        return dataclasses.replace(inputs, code=before)
    if not again:
        went_on = inputs.code if found.state == OTHER_CODE else ()
        inputs = dataclasses.replace(inputs, code=(*before, *went_on))
    # Parameters may be there that had defaults when it began.
    _write_config(run_dir, spec, inputs)
    return inputs


def _write_config(run_dir: str, spec: RunSpec, inputs: Inputs) -> None:
    lines = [f"{_CONTENT}{name} {sha}" for name, sha in sorted(inputs.content.items())]
    lines += [f"{_CODE}{sha}" for sha in inputs.code]
    if inputs.code:
        lines.append(_IDENTITY + identity(spec.parameters, inputs).with_seed)
    write_gin(run_dir, CONFIG, "\n".join([*lines, spec.text]))


def _check_spared(path: str | None, run_dir: str, overwrite: bool) -> None:
    """Checks that `overwrite` does not delete a file that the run starts from.

    Raises:
        ValueError: it would.
    """
    if not (path and overwrite):
        return
    folder = os.path.realpath(run_dir)
    if os.path.commonpath([os.path.realpath(path), folder]) == folder:
        raise ValueError(
            f"--overwrite would delete {path!r}, which the run starts from; give another "
            "LABEL, SEED or --workdir"
        )


def _empty(run_dir: str) -> None:
    """Deletes all but the lock; what says which run it was goes last."""
    last = (f".{CONFIG}", FILE_NAME, CONFIG)
    names = [name for name in os.listdir(run_dir) if name not in (_LOCK, *last)]
    for name in (*names, *last):
        remove(os.path.join(run_dir, name))
