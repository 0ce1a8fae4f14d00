"""Scores of a run on bootstrap samples of its examples, and their cache.

Everything that statistics need of a predictions file is here, so that the file is read once
and then known by its hash.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from electra_bench import registry
from electra_bench.records import RunRecord, TaskResult
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.collect.store import Store

# Goes up when the same predictions would give other replicates.
METHOD = 2
# Weights of so many examples at once; 32 MB.
BLOCK = 1 << 22
# Percent by which the score of the predictions may differ from the record's.
TOLERANCE = 1e-4


class Replicates(NamedTuple):
    """A run's score on its examples and on samples of them.

    Attributes:
        score: on all examples, percentage.
        samples: on samples drawn with replacement, float64 [replicates]. The n-th sample
            holds the same examples for all runs with as many of them.
        quality: how good every answer is, float64 [examples], in the order of the ids.
        examples_sha256: hash of ids and targets.
        limits: the smallest and the largest score that there can be.
    """

    score: float
    samples: np.ndarray
    quality: np.ndarray
    examples_sha256: str
    limits: tuple[float, float]


def weighted_metric(record: RunRecord, result: TaskResult) -> str:
    """Registered name of the metric of a result.

    Raises:
        Unusable: none is registered.
    """
    names = registry.weighted_metrics.names()
    for name in (f"{record.objective}_{result.main_metric}", result.main_metric):
        if name in names:
            return name
    raise Unusable(f"no weighted metric {result.main_metric}")


def replicates_of(
    record: RunRecord,
    result: TaskResult,
    sha256: str | None,
    read: Callable[[], Answers],
    count: int,
    store: Store | None,
) -> Replicates:
    """The replicates of one result, from the store if it knows the predictions.

    Args:
        record: the run.
        result: one of its results, with a score.
        sha256: hash of the predictions file; None if there is no file, hence no cache.
        read: reads the predictions.
        count: number of samples.
        store: where they are kept; None keeps nothing.

    Raises:
        Unusable: the predictions cannot be used, or score otherwise than the record says.
    """
    name = weighted_metric(record, result)
    content = [METHOD, sha256, name, *_identity(name), count]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    keep = store is not None and sha256 is not None
    found = _unpacked(store.get(key)) if keep else None
    if found is None:
        found = _resampled(read(), registry.weighted_metrics.get(name), count)
        if keep:
            store.put(key, _packed(found))
    if not abs(found.score - result.main_score) <= TOLERANCE:
        raise Unusable(f"predictions score {found.score:.2f}")
    return found


@functools.cache
def _identity(name: str) -> list[str]:
    """Distribution, version and function of a metric."""
    return [str(part) for part in vars(registry.weighted_metrics.origin(name)).values()]


def _resampled(answers: Answers, metric: Callable, count: int) -> Replicates:
    try:
        measured = metric(answers.targets, answers.predictions)
        size = len(answers.ids)
        everything = np.ones((1, size))
        samples = [measured.score(weights) for weights in sample_weights(size, count)]
        score = float(measured.score(everything)[0])
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        # Well-formed JSON, but not the answers of this metric.
        raise Unusable("predictions of another form") from error
    return Replicates(
        score,
        np.concatenate(samples),
        measured.quality,
        answers.examples_sha256(),
        measured.limits,
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
