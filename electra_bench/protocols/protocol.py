"""Whether a run follows a protocol, a file of gin/protocols."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import gin

from electra_bench import config
from electra_bench.config import types
from electra_bench.config.roles import Role
from electra_bench.config.signature import signature_of
from electra_bench.config.statements import Binding, plain, read_file
from electra_bench.records import RunRecord
from electra_bench.records.run_record import EARLIER
from electra_bench.registry.parameters import default_of, load, role_of
from electra_bench.system.near_names import near_and_all

# The macro of a protocol's file with the values that a root's parameters may have.
ALLOWED = {"pretrain": "PRETRAIN_ALLOWED", "finetune": "FINETUNE_ALLOWED"}
# A protocol speaks of how a run is done, not of what it is about.
COMPARED = (Role.RESULT, Role.PER_TASK, None)
# Which checkpoint fine-tuning scores; in pre-training it changes no number.
BEST_METRIC = "training.loop.best_metric"
OF_SCORED = {"finetune": (BEST_METRIC, "training.loop.higher_is_better")}
# Instead of the protocol's value, where it has none and the parameter has no default.
UNSTATED = "not stated"


class Protocol(NamedTuple):
    """What a protocol says of the runs of one root.

    Attributes:
        values: parameter to the value that it must have.
        allowed: parameter to the values that it may have.
        further: parameters that are compared whatever their roles.
    """

    values: Mapping[str, Any]
    allowed: Mapping[str, Sequence[Any]]
    further: Sequence[str] = ()

    @classmethod
    def read(cls, name: str, root: str) -> "Protocol":
        """What `gin/protocols/<name>.gin` says.

        Args:
            name: of the protocol.
            root: `pretrain` or `finetune`.

        Raises:
            FileNotFoundError: there is none; lists near names.
            ConfigError: it allows values of what is no parameter, or other than lists of
                values that the parameter can have.
        """
        values: dict[str, Any] = {}
        allowed: dict[str, Sequence[Any]] = {}
        for statement in read_file(f"protocols/{name}.gin"):
            if not isinstance(statement, Binding):
                continue
            if statement.parameter:
                values[statement.key] = statement.value
            elif statement.selector == ALLOWED[root]:
                _check_allowed(statement)
                allowed = {key: plain(found) for key, found in statement.value.items()}
        return cls(values, allowed, OF_SCORED.get(root, ()))

    def changes(self, parameters: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Parameter to [what the protocol says, the value], where these differ.

        What the protocol does not speak of has to have its default. A parameter that a
        plugin gives no role counts as one that changes the result.

        Args:
            parameters: of a run.
        """
        found = {}
        # The direction is of the metric.
        further = self.further if parameters.get(BEST_METRIC) else ()
        for key, value in parameters.items():
            for_all = key.rpartition("/")[2]
            if for_all in self.allowed:
                said: Any = self.allowed[for_all]
                is_followed = value in said
            elif for_all in self.values:
                said = plain(self.values[for_all])
                is_followed = value == said
            elif role_of(key) in COMPARED or key in further:
                default = default_of(key)
                is_stated = default is not inspect.Parameter.empty
                said = plain(default) if is_stated else UNSTATED
                is_followed = is_stated and value == said
            else:
                continue
            if not is_followed:
                found[key] = [said, value]
        return found


def check_protocol(name: str | None, root: str) -> None:
    """Checks that a protocol can be compared with, before any work; see `Protocol.read`."""
    if name:
        Protocol.read(name, root)


def protocol_fields(
    name: str | None,
    root: str,
    parameters: Mapping[str, Any],
    start: RunRecord | None = None,
) -> dict[str, Any]:
    """Fields of a record that say which protocol a run follows, and what it starts from.

    Args:
        name: `code_v1`, `paper` or `fixed`; None for no protocol.
        root: `pretrain` or `finetune`.
        parameters: the run's.
        start: record of what it starts from; None without one.

    Returns:
        The protocol, with `*` if there are changes, and these; those of earlier runs as
        `pre-training: objectives.electra.temperature`.
    """
    if not name:
        return {"protocol": name, "protocol_changes": {}}
    changes = Protocol.read(name, root).changes(parameters) | _earlier(name, start)
    return {"protocol": f"{name}*" if changes else name, "protocol_changes": changes}


def _earlier(name: str, start: RunRecord | None) -> dict[str, Sequence[Any]]:
    """The changes of what a run starts from, whichever protocol that was under.

    Of what came before it only those are known that it tells of itself.
    """
    if start is None or start.kind not in ALLOWED:
        return {}
    word, root = EARLIER[start.kind], f"runs.{start.kind}."
    # A model from elsewhere says its sizes only.
    is_ours = any(key.startswith(root) for key in start.hparams)
    own = Protocol.read(name, start.kind).changes(start.hparams) if is_ours else {}
    before = {
        _further(key, word): change
        for key, change in start.protocol_changes.items()
        if ": " in key
    }
    return {f"{word}: {key}": change for key, change in own.items()} | before


def _further(key: str, word: str) -> str:
    """The name of an earlier run's parameter where one more of that kind came later."""
    earlier, _, parameter = key.partition(": ")
    name, _, number = earlier.rpartition(" ")
    if earlier == word:
        return f"{word} 2: {parameter}"
    if name == word and number.isdecimal():
        return f"{word} {int(number) + 1}: {parameter}"
    return key


def scoring_fields(
    record: RunRecord | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """The same fields where a run is scored again, maybe in another way.

    Args:
        record: of the run; None if there is none.
        parameters: of the scoring.
    """
    if record is None or not record.protocol or record.kind not in ALLOWED:
        return {}
    name = record.protocol.removesuffix("*")
    try:
        found = protocol_fields(name, record.kind, {**record.hparams, **parameters})
    except FileNotFoundError:  # a protocol of one's own, which is not here
        found = {"protocol_changes": {}}
    changes = {**record.protocol_changes, **found["protocol_changes"]}
    return {"protocol": f"{name}*" if changes else name, "protocol_changes": changes}


def _check_allowed(binding: Binding) -> None:
    where = f"{binding.place}: {binding.key}"
    if not isinstance(binding.value, Mapping):
        raise config.ConfigError(
            f"{where}: expected {{'parameter': (values, ...)}}, got {binding.value!r}"
        )
    for key, values in binding.value.items():
        selector, _, parameter = str(key).rpartition(".")
        kind, _, thing = selector.partition(".")
        try:
            load(kind, thing)
        except KeyError as error:
            raise config.ConfigError(f"{where}: {key!r}: {error.args[0]}") from error
        known = signature_of(gin.get_configurable(selector)).parameters
        if parameter not in known:
            raise config.ConfigError(
                f"{where}: {selector} has no parameter {parameter!r}; "
                f"{near_and_all(parameter, known)}"
            )
        annotation = known[parameter].annotation
        if not isinstance(values, (list, tuple)) or not all(
            types.fits(value, annotation) for value in values
        ):
            raise config.ConfigError(
                f"{where}: {key!r}: expected a list of {types.shown(annotation)}, got "
                f"{values!r}"
            )
