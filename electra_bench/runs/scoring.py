"""What `score` and `rerank` share: the run that scores, and its record."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from electra_bench.core import Objective, Variables
from electra_bench.core.optional import max_positions_of
from electra_bench.core.variables import by_name
from electra_bench.data.text.lines import PIPE
from electra_bench.data.text.packing import ENDINGS
from electra_bench.objectives.pseudo_likelihood import (
    PseudoLikelihood,
    pseudo_likelihood,
)
from electra_bench.records import RunRecord
from electra_bench.runs.identity import DATA_OF, inputs_of
from electra_bench.runs.lifecycle import OpenRun, Stored, open_run, stored
from electra_bench.runs.pretrained import Pretrained, find_pretrained
from electra_bench.runs.session import Session
from electra_bench.system.file_hashes import file_sha256
from electra_bench.training import dry_run
from electra_bench.training.build import prepare, pretraining_objective
from electra_bench.training.checkpoints import restore
from electra_bench.training.environment import environment
from electra_bench.training.text_scoring import NUM_SPECIAL, TextScorer
from electra_bench.vocabularies.load import open_vocabulary
from electra_bench.vocabularies.text_losses import losses_of


class ScoringRun(NamedTuple):
    """A pre-training run that can score texts.

    Attributes:
        pretrained: the run.
        model: registered model; `objective_name`: registered objective.
        tokenizer: of its vocabulary.
        objective: with the checkpoint's values.
        method: how it scores.
        scorer: what scores.
        max_tokens: of a text, at most; None for any number.
        trained_tokens: of the longest texts that it was trained with; None if unknown.
    """

    pretrained: Pretrained
    model: str
    objective_name: str
    tokenizer: Any
    objective: Objective
    method: PseudoLikelihood
    scorer: TextScorer
    max_tokens: int | None
    trained_tokens: int | None

    @property
    def label(self) -> str:
        """Label and seed of the run, for names of others."""
        seed = self.pretrained.of_record("seed")
        return (self.pretrained.label or "") + ("" if seed is None else f"-s{seed}")

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of every text, without [CLS] and [SEP], int32 [tokens]."""
        ids, splits = self.tokenizer.encode_batch(texts)
        return np.split(ids, splits[1:-1]) if len(texts) else []

    def too_long(self, ids: np.ndarray) -> str | None:
        """Why a text cannot be scored; None if it can."""
        if self.max_tokens is None or len(ids) <= self.max_tokens:
            return None
        return (
            f"{len(ids)} tokens, but the encoder has positions for {self.max_tokens} "
            f"beside [CLS] and [SEP]"
        )

    def warn_of_losses(
        self, texts: Sequence[str], encoded: Sequence[np.ndarray]
    ) -> dict[str, str]:
        """Warns of what texts lost on their way to tokens; marks for their result.

        Args:
            texts: some.
            encoded: their ids.
        """
        splits = np.cumsum([0, *map(len, encoded)])
        ids = np.concatenate(encoded) if len(encoded) else np.zeros(0, np.int32)
        found = losses_of(self.tokenizer, texts, ids, splits).warnings("the texts")
        marks = {mark: loss.sentence for mark, loss in found.items()}
        for said in marks.values():
            warn(said)
        return marks | getattr(self.tokenizer, "doubts", {})

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


def input_sha256(path: str, texts: Sequence[str] = ()) -> str:
    """Hash of what is read.

    Args:
        path: of the file.
        texts: of standard input, which cannot be read again.
    """
    if path != PIPE:
        return file_sha256(path)
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def stem(path: str) -> str:
    """What a file is called in names of runs: without folder and endings."""
    name = "stdin" if path == PIPE else os.path.basename(path)
    for ending in (*ENDINGS, ".jsonl", ".ndjson", ".csv", ".tsv", ".txt"):
        name = name.removesuffix(ending)
    return name


def open_scorer(
    session: Session,
    init: str,
    method: str | None,
    model: str | None,
    objective: str | None,
    vocab: str | None,
    vocabulary: str | None,
    batch_tokens: int,
) -> ScoringRun:
    """Builds what a pre-training run has trained; see the parameters of `score`.

    Raises:
        ValueError: no pre-training run, or one that cannot score by the method.
        FileNotFoundError: no checkpoint or no vocabulary.
        CheckpointError: a variable is missing or of another size.
    """
    prepare()
    pretrained = find_pretrained(init)

    def setting(name: str, given: str | None) -> str:
        # An interrupted run has no record yet.
        bound = session.parsed.value(f"runs.pretrain.{name}")
        return given or pretrained.of_record(name) or bound or "electra"

    model, name = setting("model", model), setting("objective", objective)
    kind = pretrained.of_record("kind")
    if kind not in (None, "pretrain"):
        raise ValueError(
            f"{init!r} is a {kind} run, which scores no texts; give a pre-training run"
        )
    tokenizer = open_vocabulary(vocabulary, vocab, pretrained.folder)
    built = pretraining_objective(name, model, Variables(0), tokenizer.special_ids)
    what = f"{init!r} (objective {name!r})"
    how = pseudo_likelihood(built, tokenizer.special_ids.mask, method, what)
    positions = max_positions_of(built.encoder)
    scorer = TextScorer(how, tokenizer.special_ids, batch_tokens, positions)
    restore(pretrained.prefix, by_name(built))
    key = "runs.pretrain.max_seq_length"
    hparams = pretrained.of_record("hparams") or {}
    trained = hparams.get(key) or session.parsed.value(key)
    return ScoringRun(
        pretrained,
        model,
        name,
        tokenizer,
        built,
        how,
        scorer,
        positions and positions - NUM_SPECIAL,
        trained and trained - NUM_SPECIAL,
    )


def open_folder(
    session: Session,
    run: ScoringRun,
    workdir: str | None,
    name: str,
    files: Mapping[str, tuple[str, str | None]],
) -> contextlib.AbstractContextManager[OpenRun]:
    """Opens the run's folder, if there is to be one; it scores again if it is done.

    Args:
        session: how the run was started.
        run: what scores.
        workdir: the folder is made inside it; None for none.
        name: of the folder.
        files: names of parameters to the files that are read, with hashes of their content.
    """
    start = run.pretrained
    spec = session.spec(
        start.label or "", name if workdir else f"{session.root}-{run.label}"
    )
    content = {"vocabulary": run.tokenizer.sha256, "init": start.sha256}
    content |= _data(files, stored(os.path.join(workdir, name)) if workdir else None)
    builders = [f"models.{run.model}", f"objectives.{run.objective_name}"]
    inputs = inputs_of(session.root, spec.parameters, content, builders, start.start)
    paths = {path for path, _ in files.values()}
    spared = [start.checkpoint, *paths - {PIPE}]
    return open_run(session, spec, inputs, workdir, spared=spared, again=True)


def _data(
    files: Mapping[str, tuple[str, str | None]], before: Stored | None
) -> dict[str, str | None]:
    """What files hold, named by their parameters, or by their paths as in old folders."""
    by_path = {f"{DATA_OF}{path}": sha256 for path, sha256 in files.values()}
    if before and by_path.keys() <= before.inputs.content.keys():
        return by_path
    return {f"{DATA_OF}{name}": sha256 for name, (_, sha256) in files.items()}


def record_fields(run: ScoringRun) -> dict[str, Any]:
    """Fields of a record that say what scored."""
    parent = run.pretrained
    of_parent = ("pretrain_fraction", "total_flops", "flops_method", "paper_flops")
    return {
        "model": run.model,
        "objective": run.objective_name,
        "protocol": parent.of_record("protocol"),
        "protocol_changes": parent.of_record("protocol_changes") or {},
        "pretrain_seed": parent.of_record("seed"),
        **{name: parent.of_record(name) for name in of_parent},
        "params": dry_run.num_parameters(run.objective.encoder),
        "vocab_sha256": run.tokenizer.sha256,
        "checkpoint_sha256": parent.sha256,
        "parent_run_id": parent.of_record("run_id"),
        **environment(),
    }


def planned(
    kind: str, run: ScoringRun, counts: Mapping[str, int], ids: Sequence[np.ndarray]
) -> RunRecord:
    """Prints the plan of a dry run; its record.

    Args:
        kind: of the record.
        run: what would score.
        counts: what is read: names to numbers.
        ids: of every text that would be scored.
    """
    passes = sum(map(len, ids)) if run.method.masks else len(ids)
    numbers = {name: f"{n:,}" for name, n in {**counts, "passes": passes}.items()}
    known = {"checkpoint": run.pretrained.checkpoint, "method": run.method.name}
    dry_run.show_scoring(run.objective, known | numbers)
    label = run.pretrained.label or ""
    return RunRecord(f"{kind}-{run.label}", label, kind, "planned")
