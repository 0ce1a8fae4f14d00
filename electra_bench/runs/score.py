"""`electra-bench score`."""

import math
from collections.abc import Sequence
from typing import Any, cast

import gin
import numpy as np

from electra_bench.config.ranges import Positive, Share
from electra_bench.config.roles import Content, Detail, Machine, Result, Subject
from electra_bench.data.run_context import MAX_SKIPPED
from electra_bench.data.text.files import ON_ERROR
from electra_bench.data.text.formats import FORMATS
from electra_bench.data.text.lines import (
    PIPE,
    Text,
    check_output,
    json_writer,
    read_texts,
)
from electra_bench.data.text.streams import OnError, Reading, ReadReport
from electra_bench.records import RunRecord, TaskResult
from electra_bench.runs import scoring
from electra_bench.runs.scoring import ScoringRun
from electra_bench.runs.session import Session
from electra_bench.training.text_scoring import Scores


@gin.configurable(module="runs")
def score(
    session: Session,
    *,
    init: Content[str],
    input: Content[str],
    output: Machine[str] = PIPE,
    method: Result[str | None] = None,
    tokens: Detail[bool] = False,
    format: Result[str] = "auto",
    text_field: Result[str] = "text",
    on_error: Result[str] = "raise",
    max_skipped: Machine[Share[float]] = MAX_SKIPPED,
    model: Subject[str | None] = None,
    objective: Subject[str | None] = None,
    vocab: Content[str | None] = None,
    vocabulary: Subject[str | None] = None,
    batch_tokens: Detail[Positive[int]] = 8192,
    workdir: Machine[str | None] = None,
) -> RunRecord:
    """Writes the pseudo-log-likelihood of every text of a file.

    All texts are read before the first is scored, so that wrong ones are found at once.

    Args:
        session: how the run was started.
        init: a pre-training run's folder or a checkpoint.
        input: texts, one a line, plain or as JSON; `-` is standard input.
        output: JSON lines, in the order of the input; `-` is standard output.
        method: one of `pseudo_likelihood.METHODS`; None takes the one that the run was
            trained for.
        tokens: write the score of every token, too.
        format: `text`, `jsonl`, `csv`, or `auto` by the file's name and content.
        text_field: the field of a JSON line, or column, that holds the text.
        on_error: `raise`, or `skip` and count lines that cannot be scored: empty, not
            UTF-8 or JSON, without a token, or longer than the encoder's positions.
            They have no line in the output: the score of a part is not that of the text.
        max_skipped: share of the lines that may be left out, from 0 to 1; if more cannot be
            scored, nothing is written.
        model: registered model; None takes the run's.
        objective: registered objective; None takes the run's.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        batch_tokens: tokens of a batch, padding included, at most.
        workdir: the record goes into a folder inside it; None keeps no record.

    Returns:
        The record.

    Raises:
        ValueError: nothing to score, something that cannot be, or more is left out than
            may be.
    """
    for name, value, known in (
        ("format", format, FORMATS[:4]),
        ("on_error", on_error, ON_ERROR),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")
    check_output(output, input)
    run = scoring.open_scorer(
        session, init, method, model, objective, vocab, vocabulary, batch_tokens
    )
    reading = Reading("line", text_field, cast(OnError, on_error), ReadReport())
    texts, ids = _scorable(run, list(read_texts(input, format, reading)), reading)
    reading.report.check(input, max_skipped, "runs.score.max_skipped")
    if not texts:
        raise ValueError(f"{input}: no text to score")
    run.warn_of_long(ids)
    marks = run.warn_of_losses([text.text for text in texts], ids)
    if session.dry_run:
        counts = {"texts": len(ids), "tokens": sum(map(len, ids))}
        return scoring.planned("score", run, counts, ids)
    file = scoring.stem(input)
    name = f"score-{run.label}-{run.method.name}-{file}"
    sha256 = scoring.input_sha256(input, [text.text for text in texts])
    files = {"input": (input, sha256)}
    with scoring.open_folder(session, run, workdir, name, files) as opened:
        scores = run.scorer.score(ids, f"score {file}")
        with json_writer(output) as write:
            for text, row, found, pll in zip(
                texts, ids, scores.tokens, scores.plls, strict=True
            ):
                write(_line(run, text, row, found, float(pll), with_tokens=tokens))
        metrics = _metrics(run, scores, reading.report.skipped)
        result = TaskResult(
            "score",
            1,
            file,
            len(texts),
            metrics,
            "mean_pll",
            data_sha256=sha256,
            higher_is_better=True,
            marks=marks,
        )
        record = opened.finish(
            results=(result,), wall_s=scores.seconds, **scoring.record_fields(run)
        )
    if reading.report.replaced:
        scoring.warn(f"{reading.report.replaced} half surrogate pairs were read as '?'")
    for reason in reading.report.reasons:
        scoring.warn(f"skipped: {reason}")
    return record


def _scorable(
    run: ScoringRun, texts: Sequence[Text], reading: Reading
) -> tuple[list[Text], list[np.ndarray]]:
    """Texts and their ids, without those that have too few or too many."""
    kept: list[tuple[Text, np.ndarray]] = []
    for text, ids in zip(texts, run.encode([t.text for t in texts]), strict=True):
        if not len(ids):
            reading.wrong(f"{text.where}: holds no token of the vocabulary")
        elif problem := run.too_long(ids):
            reading.wrong(f"{text.where}: {problem}")
        else:
            kept.append((text, ids))
    return [text for text, _ in kept], [ids for _, ids in kept]


def _line(
    run: ScoringRun,
    text: Text,
    ids: np.ndarray,
    scores: np.ndarray,
    pll: float,
    *,
    with_tokens: bool,
) -> dict[str, Any]:
    """One line of the output."""
    line = {
        "id": text.id,
        "text": text.text,
        "pll": pll,
        "num_tokens": len(ids),
        "per_token": pll / len(ids),
    }
    if with_tokens:
        line["tokens"] = [
            [run.tokenizer.id_to_token(int(i)), float(s)]
            for i, s in zip(ids, scores, strict=True)
        ]
    return line


def _metrics(run: ScoringRun, scores: Scores, skipped: int) -> dict[str, float]:
    """What the record says of all texts together; no percentages."""
    total = float(scores.plls.sum())
    count = sum(map(len, scores.tokens))
    metrics = {
        "mean_pll": total / len(scores.tokens),
        "lines": len(scores.tokens),
        "tokens": count,
        "passes": scores.passes,
        "seconds": scores.seconds,
        "skipped": skipped,
    }
    if run.method.is_normalised:
        metrics["perplexity"] = math.exp(-total / count)
    return metrics
