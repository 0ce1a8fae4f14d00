"""Scores of a run on bootstrap samples of its examples, and their cache.

Everything that statistics need of a predictions file is here, so that the file is read once
and then known by its hash.
"""

import contextlib
import functools
import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from electra_bench import registry
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.collect.store import Store
from electra_bench.system.source_closure import closure_sha256
from electra_bench.tasks.metrics.weighted import WeightedMetric, measured

# Goes up when the same predictions would give other replicates.
METHOD = 2
# Weights of so many examples at once; 32 MB.
BLOCK = 1 << 22
# Of well-formed JSON that is no answers of the metric.
OTHER_FORM = "predictions of another form"
# Percent by which the score of the predictions may differ from the record's.
TOLERANCE = 1e-4


class Replicates(NamedTuple):
    """A run's score on its examples and on samples of them.

    Attributes:
        score: on all examples, percentage.
        samples: on samples drawn with replacement, float64 [replicates]; fewer than asked
            for where the metric is slow. The n-th sample holds the same examples for all
            runs with as many of them.
        quality: how good every answer is, float64 [examples], in the order of the ids.
        examples_sha256: hash of ids and targets.
        limits: the smallest and the largest score that there can be.
    """

    score: float
    samples: np.ndarray
    quality: np.ndarray
    examples_sha256: str
    limits: tuple[float, float]


def metric_of(entry: Entry) -> str:
    """Registered name of the metric of a score.

    Raises:
        Unusable: none is registered.
    """
    names, metric = registry.metrics.names(), entry.result.main_metric
    for name in (f"{entry.record.objective}_{metric}", metric):
        if name in names:
            return name
    raise Unusable(f"metric {metric} is not registered")


def measured_answers(name: str, score: str, answers: Answers) -> WeightedMetric:
    """What a metric says of the predictions of a run.

    Args:
        name: registered name of the metric.
        score: name of one of its scores.
        answers: the predictions.

    Raises:
        Unusable: they are not such as the metric takes.
    """
    with _usable(OTHER_FORM):
        lists = answers.targets, answers.predictions, answers.scores
        return measured(registry.metrics.get(name), score, *lists)


@contextlib.contextmanager
def _usable(why_not: str) -> Iterator[None]:
    """Where a metric may fail; `{}` in the reason stands for its own words."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Unusable(why_not.format(error)) from error


def replicates_of(
    entry: Entry, records: Records, count: int, store: Store
) -> Replicates:
    """The replicates of one score, from the store if it knows the predictions.

    Args:
        entry: the score.
        records: where its predictions are; without a file of them there is no cache.
        count: number of samples.
        store: where replicates are kept.

    Raises:
        Unusable: the predictions cannot be used, score otherwise than the record says, or
            have no score on some samples.
    """
    sha256 = records.predictions_sha256(*entry)
    name, score = metric_of(entry), entry.result.main_score
    content = [METHOD, sha256, name, entry.result.main_metric, *_identity(name), count]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    found = None if sha256 is None else _unpacked(store.get(key))
    if found is None:
        answers = records.answers(*entry)
        metric = measured_answers(name, entry.result.main_metric, answers)
        found = _resampled(answers, metric, count)
        if sha256 is not None:
            store.put(key, _packed(found))
    if score is None or not abs(found.score - score) <= TOLERANCE:
        raise Unusable(f"predictions score {found.score:.2f}")
    if len(found.quality) < 2:
        raise Unusable("fewer than two examples")
    if not np.isfinite(found.samples).all():
        raise Unusable("no score on some samples")
    return found


@functools.cache
def _identity(name: str) -> list[str]:
    """Distribution, version, function and code of a metric."""
    registry.metrics.load(name)
    origin = registry.metrics.origin(name)
    code = ""
    # A metric that was made in a session has no source file.
    with contextlib.suppress(ModuleNotFoundError):
        code = closure_sha256([origin.target.partition(":")[0]])
    return [*map(str, vars(origin).values()), code]


def _resampled(answers: Answers, metric: WeightedMetric, count: int) -> Replicates:
    size = len(answers.ids)
    count = int(min(count, metric.max_samples))
    with _usable(OTHER_FORM):
        score = float(metric.score(np.ones((1, size)))[0])
    # It may need all classes, which a sample need not have.
    with _usable("the metric fails on a bootstrap sample: {}"):
        samples = [metric.score(weights) for weights in sample_weights(size, count)]
    return Replicates(
        score,
        np.concatenate(samples),
        metric.quality,
        answers.examples_sha256(),
        metric.limits,
    )


def sample_weights(size: int, count: int) -> Iterator[np.ndarray]:
    """How often each sample draws each example.

    Args:
        size: number of examples.
        count: number of samples.

    Yields:
        float64 [some samples, examples]; `count` samples in all, every time the same.
    """
    rows = max(1, BLOCK // max(1, size))
    for start in range(0, count, rows):
        yield _block(size, start, min(rows, count - start))


@functools.lru_cache(maxsize=4)
def _block(size: int, start: int, rows: int) -> np.ndarray:
    random = np.random.default_rng([size, start])
    drawn = random.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=rows * size)
    return counts.reshape(rows, size).astype(np.float64)


def _packed(replicates: Replicates) -> bytes:
    score, samples, quality, examples, limits = replicates
    header = json.dumps([score, len(samples), examples, limits])
    return header.encode() + b"\n" + samples.tobytes() + quality.tobytes()


def _unpacked(content: bytes | None) -> Replicates | None:
    if content is None:
        return None
    header, _, numbers = content.partition(b"\n")
    score, count, examples, limits = json.loads(header)
    arrays = np.frombuffer(numbers, np.float64)
    return Replicates(score, arrays[:count], arrays[count:], examples, tuple(limits))
