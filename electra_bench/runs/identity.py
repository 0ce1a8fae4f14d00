"""What goes into a run, by its content, and the one answer to "is this the same run"."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench import registry
from electra_bench.config.roles import Role
from electra_bench.registry import target_of
from electra_bench.runs.spec import counted
from electra_bench.system.source_closure import closure_sha256
from electra_bench.training.choices import DEFAULTS

CHECKPOINT = "init"
# Before the name of a corpus, or of a task with its split.
DATA_OF = "data of "
# What makes the examples, metrics and answers of a task that a gin file describes.
_FILE_TASKS = "electra_bench.tasks.from_files.registration:register"
# Told by the file's content where a run names no vocabulary.
_OWN_VOCABULARIES = ("wordpiece", "sentencepiece")


class Start(NamedTuple):
    """How the checkpoint was made that a run starts from.

    Attributes:
        origin: what those of all its seeds share, made by the same code; None if unknown.
        recipe: what those of all its seeds share, whatever the code, see `Identity`; None
            if unknown.
    """

    origin: str | None = None
    recipe: str | None = None


UNKNOWN = Start()


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a run is made of beside its parameters.

    Attributes:
        content: names of what is read (`vocabulary`, `init`, `data of cola train`) to
            hashes.
        code: hashes of the code that computes: several if the run was interrupted and
            went on under other code; empty if unknown.
        start: what is known of the checkpoint's making.
    """

    content: Mapping[str, str]
    code: tuple[str, ...] = ()
    start: Start = UNKNOWN

    @classmethod
    def of(
        cls,
        content: Mapping[str, str | None],
        code: str | None = None,
        start: Start = UNKNOWN,
    ) -> "Inputs":
        """Inputs without those that there are none of."""
        known = {name: sha for name, sha in content.items() if sha}
        return cls(known, (code,) if code else (), start)

    @property
    def parent_recipe(self) -> str | None:
        """The recipe of the run that it starts from, or else the checkpoint's hash."""
        return self.start.recipe or self.content.get(CHECKPOINT)


def chosen_by(best_metric: str | None, higher_is_better: bool) -> dict[str, str]:
    """What is said among a run's inputs of the choice of the checkpoint that is scored.

    The metric itself is no part of a run's identity: in pre-training it changes no result.
    """
    direction = "highest" if higher_is_better else "lowest"
    return {f"checkpoint with the {direction}": best_metric} if best_metric else {}


def inputs_of(
    root: str,
    parameters: Mapping[str, Any],
    content: Mapping[str, str | None],
    builders: Iterable[str],
    start: Start = UNKNOWN,
) -> Inputs:
    """What a run is made of, with the hash of its code.

    Args:
        root: of the run.
        parameters: of the run.
        content: see `Inputs`; data of a mixture stand for its members.
        builders: selectors of builders that no parameter may tell, `models.electra`.
        start: see `Inputs`.
    """
    data = [name.removeprefix(DATA_OF) for name in content if name.startswith(DATA_OF)]
    # A split may follow the name; what is scored is named by its parameter.
    trains = root in ("pretrain", "finetune")
    members = {name.split()[0] for name in data} if trains else set()
    code = code_sha256(root, parameters, builders, members)
    return Inputs.of(content, code, start)


class Identity(NamedTuple):
    """What two runs share if they are the same, and seeds of one run.

    Attributes:
        with_seed: of the run.
        without_seed: of all its seeds, and those of its pre-training.
        recipe: as `without_seed`, whatever code computes it, on whatever devices.
    """

    with_seed: str
    without_seed: str
    recipe: str


def identity(parameters: Mapping[str, Any], inputs: Inputs) -> Identity:
    """Hashes of all that decides a result.

    Args:
        parameters: key to value, defaults included.
        inputs: what is read, and the code.
    """

    def sha256(start: str | None, code: Sequence[str], *left_out: Role) -> str:
        content = dict(inputs.content)
        if CHECKPOINT in content and start:
            content[CHECKPOINT] = start
        parts = [counted(parameters, *left_out), content, code]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    return Identity(
        sha256(None, inputs.code),
        sha256(inputs.start.origin, inputs.code, Role.SEED),
        sha256(inputs.parent_recipe, (), Role.SEED, Role.DETAIL),
    )


def config_sha256(parameters: Mapping[str, Any], inputs: Inputs) -> str:
    """The identity whatever the code: of a configuration and what it reads."""
    return identity(parameters, dataclasses.replace(inputs, code=())).with_seed


def code_sha256(
    root: str,
    parameters: Mapping[str, Any],
    further: Iterable[str] = (),
    members: Iterable[str] = (),
) -> str | None:
    """The hash of the code that computes a run's result.

    Args:
        root: of the run.
        parameters: whose builders are part of it, and those that they name.
        further: selectors of builders that no parameter may tell, `models.electra`.
        members: tasks or corpora of a mixture that the run names; those that are known by
            this name to seqio only are left out.

    Returns:
        The hash; None if it names something that is not known here, as of a plugin that
        is not loaded.
    """

    def named(parameter: str) -> list[str]:
        value = parameters.get(f"runs.{root}.{parameter}") or ()
        return [value] if isinstance(value, str) else list(value)

    selectors = {key.rpartition("/")[2].rpartition(".")[0] for key in parameters}
    selectors |= {f"runs.{root}", *further}
    for kind in ("model", "objective"):
        selectors |= {f"{kind}s.{name}" for name in named(kind)}
    vocabularies = named("vocabulary") or _OWN_VOCABULARIES
    selectors |= {f"vocabularies.{name}" for name in vocabularies}
    for key, value in parameters.items():
        # `training.optimizer.name = 'adamw'` chooses `training.adamw`.
        if key in DEFAULTS and value:
            selectors.add(f"{key.partition('.')[0]}.{value}")
    targets = [target_of(selector) for selector in selectors]
    tasks = {*named("task"), *named("corpus")}
    tasks |= {*members} & {*registry.tasks.names()}
    # Corpora that the configuration describes are made by code that is there anyway.
    for task in tasks - {*named("corpora")}:
        if f"tasks.{task}" in selectors:
            head = parameters.get(f"tasks.{task}.kind")
            targets += [_FILE_TASKS, *([target_of(f"kinds.{head}")] if head else [])]
            continue
        in_mixtures = task in registry.mixtures.names()
        known = registry.mixtures if in_mixtures else registry.tasks
        if task not in known.names():
            return None
        card = known.get(task)
        targets.append(known.origin(task).target)
        # A task of a plugin may be registered with seqio by the plugin itself.
        targets += [card.builder] if card.builder else []
        if getattr(card, "kind", None) in registry.kinds.names():
            targets.append(target_of(f"kinds.{card.kind}"))
    if not all(targets):
        return None
    return _closure(frozenset(target.partition(":")[0] for target in targets))


@functools.cache
def _closure(modules: frozenset[str]) -> str | None:
    """Once in a process, which computes with what it has loaded.

    None if a module has no source file, as a notebook.
    """
    try:
        return closure_sha256(sorted(modules))
    except ModuleNotFoundError:
        return None
