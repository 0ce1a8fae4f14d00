"""What `score` and `rerank` share: the run that scores, and its record."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from electra_bench import config
from electra_bench.core import Objective, Variables
from electra_bench.core.variables import variable_name
from electra_bench.data.text.lines import PIPE
from electra_bench.objectives.pseudo_likelihood import (
    PseudoLikelihood,
    pseudo_likelihood,
)
from electra_bench.records import RunRecord, TaskResult, write_record
from electra_bench.runs import building, plan, recording
from electra_bench.runs.launch import Session
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.run_dir import check_spared, open_run_dir
from electra_bench.system.file_hashes import file_sha256
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.checkpoints import restore
from electra_bench.training.strategy import make_deterministic
from electra_bench.training.text_scoring import NUM_SPECIAL, TextScorer


class Source(NamedTuple):
    """Where the scores come from; see the parameters of `runs.score.score`."""

    init: str
    method: str | None = None
    model: str | None = None
    objective: str | None = None
    vocab: str | None = None
    vocabulary: str | None = None
    batch_tokens: int = 8192


class ScoringRun(NamedTuple):
    """A pre-training run that can score texts.

    Attributes:
        pretrained: the run.
        model: registered model; `objective_name`: registered objective.
        tokens: its vocabulary.
        objective: with the checkpoint's values.
        method: how it scores.
        scorer: what scores.
        max_tokens: of a text, at most; None for any number.
        trained_tokens: of the longest texts that it was trained with; None if unknown.
    """

    pretrained: Pretrained
    model: str
    objective_name: str
    tokens: Any
    objective: Objective
    method: PseudoLikelihood
    scorer: TextScorer
    max_tokens: int | None
    trained_tokens: int | None

    @property
    def label(self) -> str:
        """Label and seed of the run, for names of others."""
        seed = self.pretrained.of_record("seed")
        return self.pretrained.label + ("" if seed is None else f"-s{seed}")

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of every text, without [CLS] and [SEP], int32 [tokens]."""
        ids, splits = self.tokens.encode_batch(texts)
        return np.split(ids, splits[1:-1]) if len(texts) else []

    def too_long(self, ids: np.ndarray) -> str | None:
        """Why a text cannot be scored; None if it can."""
        if self.max_tokens is None or len(ids) <= self.max_tokens:
            return None
        return (
            f"{len(ids)} tokens, but the encoder has positions for {self.max_tokens} "
            f"beside [CLS] and [SEP]"
        )

    def warn_of_long(self, texts: Sequence[np.ndarray]) -> None:
        """Warns of texts at whose end are positions that no training has touched."""
        limit = self.trained_tokens
        count = sum(len(ids) > limit for ids in texts) if limit else 0
        if count:
            warn(
                f"{count:,} of {len(texts):,} texts have more than the {limit} tokens that "
                "the run was trained with; what it says of their ends is worth little"
            )


def warn(text: str) -> None:
    """Shows a warning."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    console.print(f"warning: {text}", soft_wrap=True)


def input_sha256(path: str) -> str | None:
    """Hash of a file that is read; None for standard input."""
    return None if path == PIPE else file_sha256(path)


def stem(path: str) -> str:
    """What a file is called in names of runs: without folder and endings."""
    name = "stdin" if path == PIPE else os.path.basename(path)
    for ending in (".gz", ".xz", ".jsonl", ".ndjson", ".txt"):
        name = name.removesuffix(ending)
    return name


def open_run(session: Session, source: Source) -> ScoringRun:
    """Builds what a pre-training run has trained.

    Raises:
        ValueError: no pre-training run, or one that cannot score by the method.
        FileNotFoundError: no checkpoint or no vocabulary.
        CheckpointError: a variable is missing or of another size.
    """
    keep_freed_memory()
    make_deterministic()
    pretrained = find_pretrained(source.init)

    def setting(name: str, given: str | None) -> str:
        # An interrupted run has no record yet.
        bound = session.parsed.value(f"runs.pretrain.{name}")
        return given or pretrained.of_record(name) or bound or "electra"

    model = setting("model", source.model)
    name = setting("objective", source.objective)
    if pretrained.of_record("kind") not in (None, "pretrain"):
        raise ValueError(
            f"{source.init!r} is a {pretrained.record.kind} run, which scores no texts; "
            "give a pre-training run"
        )
    tokens = building.open_vocabulary(
        source.vocabulary, building.find_vocabulary(source.vocab, pretrained.folder)
    )
    objective = building.pretraining_objective(
        name, model, Variables(0), tokens.special_ids
    )
    what = f"{source.init!r} (objective {name!r})"
    method = pseudo_likelihood(objective, tokens.special_ids.mask, source.method, what)
    positions = getattr(objective.encoder.embeddings, "max_positions", None)
    scorer = TextScorer(method, tokens.special_ids, source.batch_tokens, positions)
    restore(pretrained.checkpoint, {variable_name(v): v for v in objective.variables})
    key = "runs.pretrain.max_seq_length"
    hparams = pretrained.of_record("hparams") or {}
    trained = hparams.get(key) or session.parsed.value(key)
    return ScoringRun(
        pretrained,
        model,
        name,
        tokens,
        objective,
        method,
        scorer,
        positions and positions - NUM_SPECIAL,
        trained and trained - NUM_SPECIAL,
    )


class Folder(NamedTuple):
    """Where a record goes.

    Attributes:
        path: the folder; None if no record is kept.
        config_text: this run's configuration; `config_sha256`: its hash.
        started: when.
    """

    path: str | None
    config_text: str
    config_sha256: str | None
    started: str


@contextlib.contextmanager
def open_folder(
    session: Session,
    run: ScoringRun,
    workdir: str | None,
    name: str,
    inputs: Mapping[str, str | None],
) -> Iterator[Folder]:
    """Makes the folder of a run, if there is to be one.

    Args:
        session: how the run was started.
        run: what scores.
        workdir: the folder is made inside it; None for none.
        name: of the folder.
        inputs: paths of files that are read to hashes of their content.
    """
    config_text, started = session.snapshot(), recording.now()
    if workdir is None:
        yield Folder(None, config_text, None, started)
        return
    path = os.path.join(workdir, name)
    for spared in (run.pretrained.checkpoint, *set(inputs) - {PIPE}):
        check_spared(spared, path, session.overwrite)
    content = {"vocabulary": run.tokens.sha256, "init": run.pretrained.sha256}
    content |= {f"data of {file}": sha256 for file, sha256 in inputs.items()}
    with open_run_dir(path, config_text, content, session.overwrite) as sha256:
        yield Folder(path, config_text, sha256, started)


def keep_record(
    kind: str,
    run: ScoringRun,
    folder: Folder,
    results: Sequence[TaskResult],
    wall_s: float,
) -> RunRecord:
    """The record of a run that is done; written if it has a folder.

    Args:
        kind: score or rerank.
        run: what scored.
        folder: see `open_folder`.
        results: what was found.
        wall_s: seconds that scoring took.
    """
    parent = run.pretrained
    name = os.path.basename(folder.path) if folder.path else f"{kind}-{run.label}"
    record = RunRecord(
        run_id=f"{name}-{folder.config_sha256[:8]}" if folder.path else name,
        label=parent.label,
        kind=kind,
        status="done",
        model=run.model,
        objective=run.objective_name,
        protocol=parent.of_record("protocol"),
        protocol_changes=parent.of_record("protocol_changes") or {},
        pretrain_seed=parent.of_record("seed"),
        pretrain_fraction=parent.of_record("pretrain_fraction"),
        hparams=config.literals(folder.config_text),
        total_flops=parent.of_record("total_flops"),
        flops_method=parent.of_record("flops_method"),
        paper_flops=parent.of_record("paper_flops"),
        params=plan.num_parameters(run.objective.encoder.trainable_variables),
        wall_s=wall_s,
        results=tuple(results),
        vocab_sha256=run.tokens.sha256,
        config_sha256=folder.config_sha256,
        checkpoint_sha256=parent.sha256,
        parent_run_id=parent.of_record("run_id"),
        started=folder.started,
        ended=recording.now(),
        **recording.environment(),
    )
    if folder.path:
        write_record(folder.path, record)
    return record


def planned(kind: str, run: ScoringRun) -> RunRecord:
    """The record of a dry run."""
    return RunRecord(f"{kind}-{run.label}", run.pretrained.label, kind, "planned")
