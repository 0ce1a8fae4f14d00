"""In what the recipes of runs differ, and how that is said in few words."""

import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from electra_bench.config.roles import Role
from electra_bench.records import RunRecord
from electra_bench.records.run_record import EARLIER
from electra_bench.registry import parameters
from electra_bench.reports.collect.lineage import ancestors
from electra_bench.reports.collect.records import IN_TABLES, Records
from electra_bench.reports.table import counted

# A setting's name to its value; what a run does not have, or does not tell, is not there.
Settings = dict[str, Any]

# Of parameters whose role nobody knows, as those of a plugin that is not here, the names
# of what seeds of one row may have otherwise.
RUN_SPECIFIC = re.compile(
    r"(^|\.)(seed|workdir|data_dir|processes|label|init|vocab|files)$",
    re.IGNORECASE,
)
# Said by another field of the record, in which what is chosen by default is named, too.
SAID_BY_RECORD = re.compile(r"^runs\.\w+\.(model|objective|vocabulary|protocol)$")
OF_RECIPE = (Role.RESULT, Role.PER_TASK, Role.SUBJECT)
PARAMETERS, VOCABULARY, START, DATA = "parameters", "vocabulary", "start", "data of "
HASHES = (VOCABULARY, START, DATA)
FLOPS, EARLIER_TASKS = "train_flops", "earlier tasks"
EVALUATION = "runs.evaluate."
TRAINED_ON, ONE_TASK = "trained on", "one task"
TRIALS, NO_TRIALS, TRIED = "trials", 0, "tried"
# Of fine-tuning, which checkpoint was scored: the last, or one that a metric chose.
CHECKPOINT, LAST = "scored checkpoint", "last"
BEST_METRIC = "training.loop.best_metric"
HIGHER_IS_BETTER = "training.loop.higher_is_better"
# What need not be said.
USUAL = (
    (CHECKPOINT, LAST),
    (TRAINED_ON, ONE_TASK),
    (TRIALS, NO_TRIALS),
    (EARLIER_TASKS, 0),
)
# Last words of settings to what is said of them, the most telling first.
WORDS = {
    PARAMETERS: "{} parameters",
    "model": "{}",
    "objective": "{}",
    "task": "{}",
    EARLIER_TASKS: "{}",
    TRIALS: "best of {}",
    CHECKPOINT: "checkpoint of {}",
    TRAINED_ON: "trained on {}",
    "train_steps": "{} steps",
    FLOPS: "{} FLOPs",
    "peak_lr": "lr {}",
    "epochs": "{} epochs",
    "batch_size": "batch {}",
    "max_seq_length": "length {}",
}
SCALARS = frozenset((str, int, float, bool, type(None)))
# Digits of a hash that tell it from others.
DIGITS = 8


def role_of(key: str) -> Role | None:
    """What a setting is to a run, also to one that others build on; None if unknown."""
    return parameters.role_of(key.rpartition(": ")[2])


def as_made(record: RunRecord, records: Records) -> RunRecord:
    """A run as its model was made: an evaluation as the run that it scored again."""
    is_known = record.kind == "evaluate" and record.parent_run_id in records.by_id
    if not is_known or record.parent_run_id is None:
        return record
    return replace(
        records.by_id[record.parent_run_id],
        label=record.label,
        protocol=record.protocol,
        protocol_changes=record.protocol_changes,
        results=record.results,
    )


def settings_of(record: RunRecord) -> Settings:
    """All that a record says of how a run was made."""
    is_joint = record.objective == "multi_task"
    chosen = chosen_parameters([record])
    return {
        # What trials chose may be another value on every task, and so may what an
        # evaluation is of.
        **{
            key: value
            for key, value in record.hparams.items()
            if key not in chosen and not key.startswith(EVALUATION)
        },
        **{f"{DATA}{name}": sha for name, sha in record.train_data_sha256.items()},
        **_known(
            {
                PARAMETERS: record.params,
                "model": record.model,
                # Of fine-tuning it is the kind of task.
                "objective": None if record.kind in IN_TABLES else record.objective,
                VOCABULARY: record.vocab_sha256,
                TRAINED_ON: ", ".join(record.tasks) if is_joint else ONE_TASK,
                TRIALS: record.choice.get("trials", NO_TRIALS),
                TRIED: _tried(record),
                CHECKPOINT: _scored_checkpoint(record),
            }
        ),
    }


def _tried(record: RunRecord) -> str | None:
    """What settings were chosen from: `LEARNING_RATE [0.0001, 0.0002]`."""
    values = record.choice.get("values", {})
    return "; ".join(f"{k} {v}" for k, v in sorted(values.items())) or None


def _scored_checkpoint(record: RunRecord) -> str | None:
    """Which checkpoint of a fine-tuning was scored; None if the record does not tell.

    In pre-training the choice changes no number.
    """
    if record.kind != "finetune" or BEST_METRIC not in record.hparams:
        return None
    metric = record.hparams[BEST_METRIC]
    is_highest = record.hparams.get(HIGHER_IS_BETTER, True)
    return f"{'highest' if is_highest else 'lowest'} {metric}" if metric else LAST


def is_per_task(key: str) -> bool:
    """Whether runs of one row may have a setting otherwise on other tasks."""
    of_checkpoint = (CHECKPOINT, BEST_METRIC, HIGHER_IS_BETTER)
    return ": " not in key and (role_of(key) == Role.PER_TASK or key in of_checkpoint)


def with_earlier(group: Sequence[RunRecord], records: Records) -> list[Settings]:
    """The settings of runs and of what they build on.

    Where the records of all that they build on are there, their settings, or else what
    each run says of its start: its recipe, or as older records do, its FLOPs.
    """
    group = [as_made(record, records) for record in group]
    starts = {record.parent_run_id: record for record in group}
    earlier = {
        run_id: list(ancestors(record, records)) for run_id, record in starts.items()
    }
    are_known = all(None not in of_run for of_run in earlier.values()) and not any(
        record.parent_recipe and not record.parent_run_id for record in group
    )
    if are_known:
        before = {
            run_id: _earlier([one for one in of_run if one])
            for run_id, of_run in earlier.items()
        }
        starting = [before[record.parent_run_id] for record in group]
    else:
        all_say = all(record.parent_recipe or record.is_untrained for record in group)
        starting = [_start(record, with_flops=not all_say) for record in group]
    return [
        settings_of(record) | of_start
        for record, of_start in zip(group, starting, strict=True)
    ]


def _start(record: RunRecord, *, with_flops: bool) -> Settings:
    """What a run says of what it builds on, without the records of that."""
    # Other methods count otherwise.
    of_method = f"{EARLIER['pretrain']}: {record.flops_method}.{FLOPS}"
    flops = record.pretrain_flops or None
    found = {START: record.parent_recipe, of_method: flops if with_flops else None}
    return _known(found)


def _earlier(runs: Iterable[RunRecord]) -> Settings:
    found: Settings = {}
    count: dict[str, int] = defaultdict(int)
    for run in runs:
        count[run.kind] += 1
        name = EARLIER.get(run.kind, run.kind)
        if count[run.kind] > 1:
            name = f"{name} {count[run.kind]}"
        settings = settings_of(run)
        if not (run.recipe or run.identity):
            # Of a model from elsewhere nothing else tells how it was made.
            settings |= _known({START: run.checkpoint_sha256})
        found |= {f"{name}: {key}": value for key, value in settings.items()}
    # Said of all: to have none is another recipe.
    num = count["finetune"]
    return found | {EARLIER_TASKS: num and counted(num, EARLIER["finetune"])}


def _known(settings: Settings) -> Settings:
    return {key: value for key, value in settings.items() if value is not None}


def differing(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """Settings of which some runs have one value and some another, in a fixed order.

    Those count that make another recipe. Runs that do not have a setting, as other kinds
    of task or older versions, differ in nothing.
    """
    first: Settings = {}
    several: set[str] = set()
    for settings in group:
        for key, value in settings.items():
            if first.setdefault(key, value) != value:
                several.add(key)
    return sorted(filter(_is_of_recipe, several), key=_place)


def chosen_parameters(group: Iterable[RunRecord]) -> set[str]:
    """Parameters whose values trials chose, which may be others on every task."""
    return {key for record in group for key in record.choice.get("parameters", ())}


def per_task(group: Sequence[RunRecord]) -> dict[str, dict[str, list[str]]]:
    """What runs of one row have otherwise on other tasks.

    Changes to a protocol are left out, which are told by themselves, and what trials
    chose, for which see `values_of`.

    Returns:
        Setting to value, in few characters, to tasks.
    """
    told = {key for record in group for key in record.protocol_changes}
    told |= chosen_parameters(group)
    keys = differing([record.hparams for record in group])
    return values_of(
        group, [k for k in keys if role_of(k) == Role.PER_TASK and k not in told]
    )


def values_of(
    group: Sequence[RunRecord], keys: Iterable[str]
) -> dict[str, dict[str, list[str]]]:
    """Some settings of runs: setting to value, in few characters, to tasks."""
    found: dict[str, dict[str, list[str]]] = {}
    for key in keys:
        values = found.setdefault(key, {})
        for record in group:
            if key in record.hparams:
                value = record.hparams[key]
                shown = "as usual" if value is None else _short(value)
                tasks = values.setdefault(shown, [])
                tasks += [task for task in record.tasks if task not in tasks]
    return found


def comparable(value: Any) -> str:
    """A text that equal values share, also 3 and 3.0."""
    if type(value) in SCALARS:
        return _comparable_scalar(value)
    return json.dumps(_whole(value), sort_keys=True)


# Runs have most settings in common. Typed: here 1 is another value than True.
@functools.lru_cache(maxsize=1 << 16, typed=True)
def _comparable_scalar(value: Any) -> str:
    return json.dumps(_whole(value))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(part) for key, part in value.items()}
    return list(map(_whole, value)) if isinstance(value, (list, tuple)) else value


def _is_of_recipe(key: str) -> bool:
    earlier, _, name = key.rpartition(": ")
    if SAID_BY_RECORD.search(name) or (name == "runs.finetune.task" and not earlier):
        return False
    role = role_of(key)
    if role is None:
        return not RUN_SPECIFIC.search(name)
    return role in OF_RECIPE


def _place(key: str) -> tuple:
    earlier, _, name = key.rpartition(": ")
    names, last = list(WORDS), name.rpartition(".")[2]
    place = names.index(last) if last in names else len(names)
    return name.startswith(HASHES), place, bool(earlier), key


def told_apart(variants: Sequence[Mapping[str, Any]]) -> list[str]:
    """What tells some recipes apart, in the fewest words, and in none where one will do.

    Args:
        variants: of each recipe the settings in which they differ, in the order of what
            is said first.
    """
    keys = list(dict.fromkeys(key for variant in variants for key in variant))
    chosen: list[str] = []

    def words(variant: Mapping[str, Any], keys: Iterable[str]) -> str:
        return ", ".join(filter(None, (word(k, variant.get(k)) for k in keys)))

    def told(keys: Iterable[str]) -> int:
        return len({words(variant, keys) for variant in variants})

    for key in sorted(keys, key=_place):
        if told([*chosen, key]) > told(chosen):
            chosen.append(key)
    found = [words(variant, chosen) for variant in variants]
    # Numbers may be the same in the few digits that are shown.
    return numbered(found, found)


def numbered(names: Sequence[str], twins: Sequence[Any]) -> list[str]:
    """Names with a number where their twins are equal."""
    seen: dict[Any, int] = defaultdict(int)
    found = []
    for name, twin in zip(names, twins, strict=True):
        seen[twin] += 1
        is_one_of_several = list(twins).count(twin) > 1
        found.append(f"{name} [{seen[twin]}]".strip() if is_one_of_several else name)
    return found


def word(key: str, value: Any) -> str:
    """A setting in a word or two; empty for what is as usual: None, or not there."""
    earlier, _, name = key.rpartition(": ")
    if value is None or (name, value) in USUAL:
        return ""
    last = name.rpartition(".")[2]
    if name.startswith(HASHES):
        text = f"{name} {str(value)[:DIGITS]}"
    elif last in WORDS:
        text = WORDS[last].format(_short(value, is_size=last == PARAMETERS))
    else:
        text = f"{last} {_short(value)}"
    says_itself = last in ("train_steps", FLOPS, "objective") or not earlier
    return text if says_itself else f"{earlier} {text}"


def _short(value: Any, *, is_size: bool = False) -> str:
    """A value in few characters: 1e-4, 100,000, 13.5M."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if is_size and value >= 1e6:
        return f"{value / 1e6:.3g}M"
    if value and not 1e-2 <= abs(value) < 1e7:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"
