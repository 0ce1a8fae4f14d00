"""`electra-bench rerank`."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import gin
import numpy as np

from electra_bench.config.ranges import NotNegative, Positive
from electra_bench.config.roles import Content, Detail, Machine, Result, Subject
from electra_bench.data.readers.nbest_lists import NBest, read_nbest
from electra_bench.data.text.lines import check_output
from electra_bench.data.text.streams import ReadReport
from electra_bench.records import RunRecord, TaskResult
from electra_bench.runs import scoring
from electra_bench.runs.scoring import ScoringRun
from electra_bench.runs.session import Session
from electra_bench.tasks.metrics.hypotheses import HypothesisMetric, hypothesis_metric
from electra_bench.tasks.reranking import (
    Rescored,
    check_references,
    choose_weight,
    corpus_score,
    oracle_score,
    write_best,
)
from electra_bench.training.text_scoring import Scores

# 0.05, 0.1, ... 1.0; Clark et al. 2020 (Electric), section 3.2.
GRID = tuple(step / 20 for step in range(1, 21))


@gin.configurable(module="runs")
def rerank(
    session: Session,
    *,
    init: Content[str],
    dev: Content[str | None] = None,
    test: Content[str | None] = None,
    metric: Result[str | None] = None,
    metric_options: Result[Mapping[str, Any] | None] = None,
    weight: Result[NotNegative[float] | None] = None,
    grid: Result[Sequence[float]] = GRID,
    output: Machine[str | None] = None,
    method: Result[str | None] = None,
    model: Subject[str | None] = None,
    objective: Subject[str | None] = None,
    vocab: Content[str | None] = None,
    vocabulary: Subject[str | None] = None,
    batch_tokens: Detail[Positive[int]] = 8192,
    workdir: Machine[str | None] = None,
) -> RunRecord:
    """Re-ranks n-best lists by first-pass score + weight * pseudo-log-likelihood.

    Args:
        session: how the run was started.
        init: a pre-training run's folder or a checkpoint.
        dev: lists that the weight is chosen on; see `data.nbest_lists`.
        test: lists to re-rank with it.
        metric: `wer`, `bleu` or `chrf`; None reports none, and needs a weight.
        metric_options: of sacrebleu's metric, as {'tokenize': 'zh'}.
        weight: of the pseudo-log-likelihood, lambda in the paper; None chooses it.
        grid: the weights to choose from.
        output: JSON lines with the best hypothesis of every list of `test`, or of `dev`
            without one; `-` is standard output.
        method: one of `pseudo_likelihood.METHODS`; None takes the one that the run was
            trained for.
        model: registered model; None takes the run's.
        objective: registered objective; None takes the run's.
        vocab: vocabulary file; None takes the one beside `init`.
        vocabulary: registered vocabulary; None tells by the file's content.
        batch_tokens: tokens of a batch, padding included, at most.
        workdir: the record goes into a folder inside it; None keeps no record.

    Returns:
        The record, with a result for `dev` and one for `test`.

    Raises:
        ValueError: lists or arguments are not as they should be; says which.

    Source: Clark et al. 2020 (Electric), section 3.2.
    """
    files = {name: file for name, file in (("dev", dev), ("test", test)) if file}
    _check(files, metric, weight, grid)
    check_output(output, *files.values())
    measure = hypothesis_metric(metric, metric_options) if metric else None
    run = scoring.open_scorer(
        session, init, method, model, objective, vocab, vocabulary, batch_tokens
    )
    report = ReadReport()
    lists = {name: read_nbest(file, report) for name, file in files.items()}
    if report.replaced:
        scoring.warn(f"{report.replaced} half surrogate pairs were read as '?'")
    texts = {name: _unique(run, part) for name, part in lists.items()}
    if metric:
        for part in lists.values():
            check_references(part, metric)
    all_ids = [ids for part in texts.values() for ids in part.values()]
    run.warn_of_long(all_ids)
    marks = {
        split: run.warn_of_losses(list(part), list(part.values()))
        for split, part in texts.items()
    }
    if session.dry_run:
        counts = {f"lists of {name}": len(part) for name, part in lists.items()}
        counts["different hypotheses"] = len(all_ids)
        return scoring.planned("rerank", run, counts, all_ids)
    read = {split: (file, scoring.input_sha256(file)) for split, file in files.items()}
    file = scoring.stem(files.get("test") or files["dev"])
    name = f"rerank-{run.label}-{run.method.name}-{file}"
    with scoring.open_folder(session, run, workdir, name, read) as opened:
        scores, rescored = {}, {}
        for split, part in lists.items():
            ids = list(texts[split].values())
            scores[split] = run.scorer.score(ids, f"score {split}")
            rescored[split] = _rescored(part, texts[split], scores[split])
        if weight is None:
            weight = _chosen(rescored["dev"], grid, cast(HypothesisMetric, measure))
        results = [
            TaskResult(
                "rerank",
                1,
                split,
                len(part),
                _metrics(rescored[split], scores[split], weight, measure),
                f"{metric}_after" if metric else "changed",
                data_sha256=read[split][1],
                higher_is_better=measure and measure.higher_is_better,
                marks=marks[split],
            )
            for split, part in lists.items()
        ]
        if output:
            write_best(output, rescored["test" if test else "dev"], weight)
        seconds = sum(found.seconds for found in scores.values())
        return opened.finish(
            results=tuple(results), wall_s=seconds, **scoring.record_fields(run)
        )


def _check(
    files: Mapping[str, str],
    metric: str | None,
    weight: NotNegative[float] | None,
    grid: Sequence[float],
) -> None:
    """Checks arguments against one another.

    Raises:
        ValueError: says which are wrong.
    """
    if not files:
        raise ValueError(
            "n-best lists are needed: give --dev FILE, --test FILE or both"
        )
    if len({os.path.realpath(file) for file in files.values()}) < len(files):
        raise ValueError(
            "--dev and --test are the same file, so lambda would be chosen on the lists "
            "that are reported"
        )
    if weight is None and not ("dev" in files and metric):
        raise ValueError(
            "lambda is chosen on dev lists by a metric: give --dev FILE and --metric, or "
            "--lambda"
        )
    weights = grid if weight is None else [weight]
    if not weights or not all(0 <= w < math.inf for w in weights):
        raise ValueError(f"lambda must be a finite number >= 0, got {weights}")


def _unique(run: ScoringRun, lists: Sequence[NBest]) -> dict[str, np.ndarray]:
    """Every text of the lists once, with its ids.

    Raises:
        ValueError: a hypothesis is too long.
    """
    where: dict[str, str] = {}
    for nbest in lists:
        for number, text in enumerate(nbest.hypotheses, 1):
            where.setdefault(text, f"{nbest.where}: hypothesis {number}")
    encoded = dict(zip(where, run.encode(list(where)), strict=True))
    for text, ids in encoded.items():
        if problem := run.too_long(ids):
            raise ValueError(f"{where[text]}: {problem}")
    return encoded


def _rescored(
    lists: Sequence[NBest], texts: Mapping[str, np.ndarray], scores: Scores
) -> list[Rescored]:
    pll_of = dict(zip(texts, scores.plls, strict=True))
    return [
        Rescored(nbest, np.array([pll_of[text] for text in nbest.hypotheses]))
        for nbest in lists
    ]


def _chosen(
    lists: Sequence[Rescored], grid: Sequence[float], metric: HypothesisMetric
) -> float:
    """The best weight on the dev lists; warns if none is of use."""
    weight = choose_weight(lists, grid, metric)
    before, after = (corpus_score(lists, w, metric) for w in (0.0, weight))
    if not metric.is_better(after, before):
        scoring.warn(
            f"no lambda of the grid makes the dev lists better: {metric.name} is "
            f"{before:.2f} by the first pass, {after:.2f} with the best, {weight:g}"
        )
    return weight


def _metrics(
    lists: Sequence[Rescored],
    scores: Scores,
    weight: float,
    metric: HypothesisMetric | None,
) -> dict[str, float]:
    """What the record says of one file of lists."""
    changed = sum(r.best(weight) != r.best(0.0) for r in lists)
    found = {
        "lambda": weight,
        "changed": 100.0 * changed / len(lists),
        "hypotheses": sum(len(r.plls) for r in lists),
        "passes": scores.passes,
        "seconds": scores.seconds,
    }
    if metric:
        found |= {
            f"{metric.name}_before": corpus_score(lists, 0.0, metric),
            f"{metric.name}_after": corpus_score(lists, weight, metric),
            f"{metric.name}_oracle": oracle_score(lists, metric),
        }
    return found
