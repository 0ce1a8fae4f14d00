"""The record that every run leaves behind and every table is made of."""

import hashlib
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import msgspec

from electra_bench.records.leaks import InPretraining, InTraining, TrainingText
from electra_bench.records.task_card import TaskCard
from electra_bench.system.atomic import atomic_file

SCHEMA_VERSION = 3
FILE_NAME = "record.json"
# Ends a record: the hash of all that stands before it.
CHECKSUM = b'\n "checksum": "'
# What is said of the code of a record that does not say its hash.
CODE_UNKNOWN = "code unknown"
# What stands before the parameters of runs that a run builds on, by their kind.
EARLIER = {"pretrain": "pre-training", "finetune": "earlier task"}
# Folders inside a run's, which hold no records.
OF_A_RUN = ("checkpoints", "leaks", "predictions")
# Shares and correlations in percent. Losses, perplexities and word error rates have no
# largest value, and of the metrics of plugins nothing is known.
PERCENTAGES = frozenset(
    (
        "accuracy",
        "best_exact",
        "best_f1",
        "bleu",
        "chrf",
        "exact",
        "exact_chosen",
        "f1",
        "f1_chosen",
        "macro_f1",
        "masked_lm_accuracy",
        "mcc",
        "micro_f1",
        "pearson",
        "precision",
        "recall",
        "spearman",
        "subset_accuracy",
        "tag_accuracy",
    )
)
# Scores that differ by this part of them are equal; one example makes far more.
SAME = 1e-6
# A correlation of 1 may be computed as a little more.
LARGEST_PERCENTAGE = 100 + 1e-6
# Larger ones are no numpy integers.
Int = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


# The way on where a record is damaged.
MAKE_AGAIN = (
    "remove it, or of an import the whole folder, and give the command again that made "
    "it"
)
# What is said of a run's folder without one.
UNRECORDED = (
    f"has no {FILE_NAME}: it has not come to its end, or the file is lost; the command "
    "that made it writes it again"
)
# A run that has begun has this folder and its configuration.
BEGUN = {"checkpoints", "config.gin"}


class RecordError(ValueError):
    """A record that cannot be used: says which file and why."""


@dataclass(frozen=True)
class TaskResult:
    """Scores of one run on one split of one task.

    Attributes:
        task: registered task name.
        task_version: version of its card when it was scored.
        split: split of the data.
        subset: what part of the split was used ("first 100"); None for the whole.
        num_examples: number of scored examples.
        data_sha256: hash of the split's raw examples.
        metrics: name to value; scores are percentages, 0-100.
        main_metric: the metric that tables show.
        threshold: of tasks whose questions may have no answer: which score decides
            ("score"), at which constant for one metric ("constant"), and what the
            thresholds of the chosen ones were chosen on ("chosen_on").
        higher_is_better: direction of the main metric; None in records that do not say.
        floor: main metric of the majority baseline; None if unknown.
        marks: what a reader of the score must know, in a word or two that tables show,
            to the whole of it ("contaminated": "trained on SQuAD").
        in_training: how many of the examples are in the training set; None in records
            that do not say.
        in_pretraining: how many are in text that the encoder was trained on before.
        leaks_path: file that says which these are, relative to the run's directory; None
            if there are none.
        unit: what the groups of examples are that statistics draw ("document"), or
            "example" if every example is one; None in records that do not say.
        num_groups: how many there are; None in these.
        predictions_path: predictions file, relative to the run's directory.
        predictions_sha256: its hash.
    """

    task: str
    task_version: Int
    split: str
    num_examples: Int
    metrics: Mapping[str, float | None]
    main_metric: str
    subset: str | None = None
    data_sha256: str | None = None
    higher_is_better: bool | None = None
    floor: float | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    in_training: InTraining | None = None
    in_pretraining: InPretraining | None = None
    leaks_path: str | None = None
    unit: str | None = None
    num_groups: Int | None = None
    predictions_path: str | None = None
    predictions_sha256: str | None = None
    threshold: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        card: TaskCard,
        split: str,
        num_examples: int,
        metrics: Mapping[str, float | None],
        main_metric: str | None = None,
        **fields: Any,
    ) -> "TaskResult":
        """The scores of a split of the task that a card is of; `fields` are the rest.

        Its main metric is the card's where no other is given.
        """
        return cls(
            card.name,
            card.version,
            split,
            num_examples,
            metrics,
            main_metric or card.main_metric,
            higher_is_better=card.higher_is_better,
            **fields,
        )

    @property
    def main_score(self) -> float | None:
        """The main metric's value; None if it is missing or undefined."""
        score = self.metrics.get(self.main_metric)
        return None if score is None or math.isnan(score) else score

    @property
    def has_groups(self) -> bool:
        """Whether predictions tell that some examples belong together."""
        return self.num_groups is not None and self.num_groups < self.num_examples

    def of_metric(self, metric: str) -> "TaskResult":
        """The result with a metric as the main one.

        Floor and direction of another one than the record's are not known.
        """
        if metric == self.main_metric:
            return self
        return replace(self, main_metric=metric, floor=None, higher_is_better=None)

    def is_trivial(self, higher_is_better: bool) -> bool | None:
        """Whether the main score is no better than the floor; None if one is missing.

        A constant answer is no better, though its score may differ from the floor in the
        last digits.
        """
        score, floor = self.main_score, self.floor
        if score is None or floor is None:
            return None
        if math.isclose(score, floor, rel_tol=SAME, abs_tol=SAME):
            return True
        return score < floor if higher_is_better else score > floor


@dataclass(frozen=True)
class RunRecord:
    """One run. Times are ISO 8601 in UTC, `wall_s` is in seconds.

    Attributes:
        run_id: unique identifier.
        label: name of the row in tables.
        kind: pretrain, finetune, evaluate, score or rerank.
        status: done or failed.
        model: registered model name; None where there is none.
        objective: registered objective or task kind.
        protocol: `code_v1`, `paper`, `fixed`, with `*` if `protocol_changes` is not empty.
        protocol_changes: parameter to [protocol's value, this run's value]; of runs that it
            builds on as `pre-training: objectives.electra.temperature`.
        suite, cell_id: the suite that the run belongs to and its place in the grid.
        seed: seed of this run; `pretrain_seed`: of the checkpoint it started from.
        pretrain_fraction: part of pre-training that the checkpoint has seen, in (0, 1].
        hparams: what the run was configured with, flat.
        train_flops: of this run; `total_flops`: with the runs that it builds on.
        flops_method: of these two; `paper_flops`: of this pre-training, or of the one that
            the run started from, as the ELECTRA paper counts it, method paper-v1.
        params: number of trainable parameters of the encoder.
        positions_seen: longest sequence that the encoder was pre-trained with, in tokens.
        new_tokens: tokens that the vocabulary of the starting checkpoint lacked, whose
            rows started from initial values; None if the vocabulary is the same.
        choice: how settings were chosen by scores: `trials`, how many there were; `values`,
            gin key to what was tried; `parameters` that these set; `on` which examples
            they were compared, which are not those of `results`. Empty if they were not.
        chosen_step: step of the checkpoint that was scored, where the best one on the
            scored split was chosen; None for the last one.
        contaminated: task to how its examples or their sources came into pre-training.
        texts: what this run has trained on; None if it does not say.
        texts_before: what its encoder was trained on before; None if nobody knows.
        tokens_per_s: of the updates of training, without what was compiled, evaluated and
            written; `waiting_share`: of that time, spent waiting for batches;
            `peak_share`: of what a large matrix product reaches on the device;
            `padding_share`: of what went through the model.
        peak_bytes: the most memory that the process of the run has had, or its first GPU.
        collapsed: True if fine-tuning ended no better than the majority baseline on one
            of its tasks.
        parent_run_id: run whose checkpoint this one started from.
        plugins: distribution to version of every plugin that was used.
        identity: hash of all that decides the result: parameters, data, vocabulary,
            checkpoint, code; `identity_without_seed` is that of all seeds of the run. None
            in records of version 1, and of what came from elsewhere.
        recipe: hash of all that decides the result but for seeds, code and devices, with
            the recipes of the runs that it builds on instead of their checkpoints.
        parent_recipe: that of the run that it started from; the checkpoint's hash where
            nothing is known of its making.
        train_data_sha256: what it was trained on, a corpus or a task and its split, to the
            hash of the data. Empty in records before version 3.
        code_sha256: hash of the source files that computed; None if unknown.
        code_continued: hashes of other code that an interrupted run went on under.
        code_accepted: hashes of other code that the finished run was taken for.
    """

    run_id: str
    label: str
    kind: str
    status: str
    model: str | None = None
    objective: str | None = None
    protocol: str | None = None
    protocol_changes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    suite: str | None = None
    cell_id: str | None = None
    seed: Int | None = None
    pretrain_seed: Int | None = None
    pretrain_fraction: float | None = None
    hparams: Mapping[str, Any] = field(default_factory=dict)
    train_examples: Int | None = None
    train_steps: Int | None = None
    tokens: Int | None = None
    train_flops: float | None = None
    total_flops: float | None = None
    flops_method: str | None = None
    paper_flops: float | None = None
    params: Int | None = None
    positions_seen: Int | None = None
    new_tokens: Int | None = None
    choice: Mapping[str, Any] = field(default_factory=dict)
    chosen_step: Int | None = None
    contaminated: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[TrainingText, ...] | None = None
    texts_before: tuple[TrainingText, ...] | None = None
    wall_s: float | None = None
    tokens_per_s: float | None = None
    peak_share: float | None = None
    waiting_share: float | None = None
    padding_share: float | None = None
    peak_bytes: Int | None = None
    device: str | None = None
    strategy: str | None = None
    precision: str | None = None
    results: tuple[TaskResult, ...] = ()
    collapsed: bool | None = None
    vocab_sha256: str | None = None
    config_sha256: str | None = None
    checkpoint_sha256: str | None = None
    identity: str | None = None
    identity_without_seed: str | None = None
    recipe: str | None = None
    parent_recipe: str | None = None
    train_data_sha256: Mapping[str, str] = field(default_factory=dict)
    code_sha256: str | None = None
    code_continued: Sequence[str] = field(default_factory=list)
    code_accepted: Sequence[str] = field(default_factory=list)
    parent_run_id: str | None = None
    plugins: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    code_version: str | None = None
    started: str | None = None
    ended: str | None = None
    schema_version: Int = SCHEMA_VERSION

    @property
    def pretrain_flops(self) -> float | None:
        """FLOPs of the runs that this one builds on; None if unknown."""
        if self.total_flops is None or self.train_flops is None:
            return None
        return self.total_flops - self.train_flops

    @property
    def code_mark(self) -> str | None:
        """What a reader must know of the code behind the scores; None if nothing."""
        if self.code_continued:
            return "code changed half-way"
        return "other code" if self.code_accepted else None

    @property
    def tasks(self) -> tuple[str, ...]:
        """Tasks that it was scored on, or whose head came with a model from elsewhere.

        Such a model is a fine-tuned one that nothing was scored on.
        """
        if self.results:
            return tuple(dict.fromkeys(result.task for result in self.results))
        task = self.hparams.get("runs.finetune.task")
        return (task,) if task else ()

    @property
    def is_trial(self) -> bool:
        """Whether it was scored on a part of its training set, to choose settings by."""
        # An evaluation has the settings of the run that it scored, too.
        is_own = self.kind != "evaluate"
        return is_own and bool(self.hparams.get("runs.finetune.held_out"))

    def as_of(self, step: int | None) -> "RunRecord":
        """The record with the costs that the run had at a step; None is its end."""
        if step is None or not self.train_steps or step == self.train_steps:
            return self
        done = step / self.train_steps
        flops, total = self.train_flops, self.total_flops
        fraction, of_paper = self.pretrain_fraction, self.paper_flops
        return replace(
            self,
            train_steps=step,
            train_flops=flops and flops * done,
            # What it started from was paid for in any case.
            total_flops=total and total - (flops or 0.0) * (1.0 - done),
            pretrain_fraction=fraction and fraction * done,
            paper_flops=of_paper and of_paper * done,
        )

    @property
    def is_untrained(self) -> bool:
        """Whether it started from random values; False if the record does not tell."""
        return self.pretrain_fraction is None and self.pretrain_flops == 0


def write_record(run_dir: str, record: RunRecord) -> str:
    """Writes `record.json` into `run_dir`, atomically; returns its path.

    NaN and infinities have no JSON form: a score that is undefined is null.
    """
    path = os.path.join(run_dir, FILE_NAME)
    content = _formatted(msgspec.json.encode(record, enc_hook=_plain))
    begun = content.removesuffix(b"\n}\n") + b"," + CHECKSUM
    with atomic_file(path) as file:
        file.write(begun + hashlib.sha256(begun).hexdigest().encode() + b'"\n}\n')
    return path


def _formatted(content: bytes) -> bytes:
    return msgspec.json.format(content, indent=1) + b"\n"


def _is_damaged(content: bytes) -> bool:
    """Whether a record that `write_record` has written says other things now.

    One that another program has written again, which then looks otherwise, is taken as it
    is, and so is one of an earlier version.
    """
    begun, checksum, rest = content.rpartition(CHECKSUM)
    if not checksum or _formatted(content) != content:
        return False
    sha256, _, _ = rest.partition(b'"')
    return sha256.decode() != hashlib.sha256(begun + checksum).hexdigest()


def accept_code(run_dir: str, code: str) -> None:
    """Takes a finished run of other code, and says so in its record.

    Args:
        run_dir: its folder.
        code: hash of the code that it is taken for.
    """
    record = read_record(os.path.join(run_dir, FILE_NAME))
    write_record(run_dir, replace(record, code_accepted=[*record.code_accepted, code]))


def _plain(value: Any) -> Any:
    """A value that is a number or an object of JSON by another class, as numpy's."""
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a record holds {type(value).__name__} {value!r}, expected JSON")


class _Header(msgspec.Struct):
    schema_version: Int


_HEADER = msgspec.json.Decoder(_Header)
_RECORD = msgspec.json.Decoder(RunRecord)


def read_record(path: str) -> RunRecord:
    """Reads one `record.json`.

    Fields that this version does not know are left out, fields that an older version did
    not have take their defaults.

    Raises:
        RecordError: no file, not JSON, not a record, of a newer schema, or with a value
            that its field cannot have.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
        version = _HEADER.decode(content).schema_version
        if version > SCHEMA_VERSION:
            raise RecordError(
                f"{path}: schema_version {version!r} is newer than {SCHEMA_VERSION}, "
                "which is the newest that this version reads"
            )
        record = _RECORD.decode(content)
        if _is_damaged(content):
            raise RecordError(
                f"{path}: is not as it was written; {MAKE_AGAIN}, or, if it was changed on "
                "purpose, take its last field out, checksum"
            )
        for number, result in enumerate(record.results):
            _check_percentages(result, f"results[{number}].")
    except msgspec.ValidationError as error:
        way = f"if nobody has changed it, {MAKE_AGAIN}"
        raise RecordError(f"{path}: not a run record: {error}; {way}") from error
    except FileNotFoundError as error:
        raise RecordError(f"{os.path.dirname(path) or '.'} {UNRECORDED}") from error
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error}") from error
    except (UnicodeError, RecursionError, msgspec.DecodeError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); {MAKE_AGAIN}") from error
    return record


def _check_percentages(result: TaskResult, where: str) -> None:
    """Checks that shares and correlations can be such.

    Raises:
        ValidationError: one cannot; `where` stands before the name of its field.
    """
    values = [(f"metrics.{n}", n, value) for n, value in result.metrics.items()]
    for name, metric, value in (*values, ("floor", result.main_metric, result.floor)):
        # It may be undefined.
        is_other = value is not None and not abs(value) <= LARGEST_PERCENTAGE
        if metric in PERCENTAGES and is_other:
            raise msgspec.ValidationError(
                f"{where}{name} is {value}, expected a percentage"
            )


def find_records(directory: str) -> Iterator[str]:
    """Yields the paths of all `record.json` below `directory`, in sorted order.

    What a run writes into its own folder is not searched.
    """
    for folder, has_record in find_runs(directory):
        if has_record:
            yield os.path.join(folder, FILE_NAME)


def find_runs(directory: str) -> Iterator[tuple[str, bool]]:
    """Yields the folders of runs below `directory`, and whether each has a record."""
    for folder, subfolders, files in os.walk(directory):
        subfolders.sort()
        has_record = FILE_NAME in files
        if has_record or {*subfolders, *files} >= BEGUN:
            subfolders[:] = [name for name in subfolders if name not in OF_A_RUN]
            yield folder, has_record
