"""Scores of a run on bootstrap samples of its groups of examples, and their cache.

Everything that statistics need of a predictions file is here, so that the file is read once
and then known by its hash.
"""

import contextlib
import functools
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from electra_bench import registry
from electra_bench.reports import table as tables
from electra_bench.reports.board.cells import Entry
from electra_bench.reports.collect.cards import floor_of
from electra_bench.reports.collect.predictions import Answers, Unusable
from electra_bench.reports.collect.records import Records
from electra_bench.reports.collect.store import Store
from electra_bench.reports.statistics.significance import effective_number
from electra_bench.system.source_closure import closure_sha256
from electra_bench.tasks.metrics.weighted import WeightedMetric, measured

# Goes up when the same predictions would give other replicates.
METHOD = 3
# Weights of so many examples at once; 32 MB.
BLOCK = 1 << 22
# Of well-formed JSON that is no answers of the metric.
OTHER_FORM = "predictions of another form"
# So many groups tell an error; fewer, or as few by `effective_number`, tell too little.
FEWEST_GROUPS = 4
# Percent by which the score of the predictions may differ from the record's.
TOLERANCE = 1e-4


# Id of an example to its group.
GroupNames = Mapping[str, str | None]


class Groups(NamedTuple):
    """What samples draw.

    Attributes:
        number: of groups.
        effective: the same as if all were of one size.
        sha256: hash of what each example belongs to; empty where each stands for itself.
    """

    number: int
    effective: float
    sha256: str


class Replicates(NamedTuple):
    """A run's score on its examples and on samples of their groups.

    Attributes:
        score: on all examples, percentage; NaN where it is undefined.
        samples: on groups drawn with replacement, float64 [replicates]; fewer than asked
            for where the metric is slow. The n-th sample holds the same examples for all
            runs with as many groups.
        quality: how good every answer is, float64 [examples], in the order of the ids.
        examples_sha256: hash of ids and targets.
        groups: of the examples.
        limits: the smallest and the largest score that there can be.
    """

    score: float
    samples: np.ndarray
    quality: np.ndarray
    examples_sha256: str
    groups: Groups
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
    entry: Entry,
    records: Records,
    count: int,
    store: Store,
    groups: GroupNames | None = None,
) -> Replicates:
    """The replicates of one score, from the store if it knows the predictions.

    Args:
        entry: the score.
        records: where its predictions are; without a file of them there is no cache.
        count: number of samples.
        store: where replicates are kept.
        groups: of the examples, where the predictions do not tell any.

    Returns:
        The replicates, whose score is that of the record. What is undefined is the floor.

    Raises:
        Unusable: the predictions cannot be used, score otherwise than the record says, are
            of too few groups, or have no score somewhere and no floor is known.
    """
    sha256 = records.predictions_sha256(entry.record, entry.result)
    name, score = metric_of(entry), entry.result.main_score
    floor = floor_of(entry.result)
    told = sorted(groups.items()) if groups else None
    metric_name = entry.result.main_metric
    content = [METHOD, sha256, name, metric_name, *identity_of(name), count, told]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    found = None if sha256 is None else _unpacked(store.get(key))
    if found is None:
        answers = records.answers(entry.record, entry.result)
        if groups:
            answers = answers._replace(groups=tuple(map(groups.get, answers.ids)))
        metric = measured_answers(name, metric_name, answers)
        found = _resampled(answers, metric, count)
        if sha256 is not None:
            store.put(key, _packed(found))
    is_same = math.isnan(found.score)
    if score is not None:
        is_same = math.isclose(found.score, score, rel_tol=0.0, abs_tol=TOLERANCE)
    if not is_same:
        raise Unusable(f"predictions score {found.score:.2f}")
    if found.groups.effective < FEWEST_GROUPS:
        raise Unusable(_too_few(entry.result.unit, found.groups))
    is_defined = np.isfinite(found.samples)
    if score is None or not is_defined.all():
        if floor is None:
            raise Unusable("undefined scores or samples, and no floor is known")
        score = floor if score is None else score
        samples = np.where(is_defined, found.samples, floor)
        return found._replace(score=score, samples=samples)
    return found._replace(score=score)


def _too_few(unit: str | None, groups: Groups) -> str:
    """Why there is no interval: `3 documents are too few`."""
    unit = unit or ("group" if groups.sha256 else "example")
    counted = tables.counted(groups.number, unit)
    if groups.number < FEWEST_GROUPS:
        return f"{counted} {'is' if groups.number == 1 else 'are'} too few"
    return f"{counted} of very unequal size tell as little as {groups.effective:.1f}"


@functools.cache
def identity_of(name: str) -> list[str]:
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
    numbers = group_numbers(answers.groups or (None,) * size)
    sizes = np.bincount(numbers)
    with _usable(OTHER_FORM):
        score = float(metric.score(np.ones((1, size)))[0])
    # It may need all classes, which a sample need not have.
    with _usable("the metric fails on a bootstrap sample: {}"):
        samples = [
            metric.score(weights if len(sizes) == size else weights[:, numbers])
            for weights in sample_weights(len(sizes), count, size)
        ]
    return Replicates(
        score,
        np.concatenate(samples),
        metric.quality,
        answers.examples_sha256(),
        Groups(len(sizes), effective_number(sizes), answers.groups_sha256()),
        metric.limits,
    )


def group_numbers(groups: Sequence[str | None]) -> np.ndarray:
    """Number of the group of every example, int64, in the order of first appearance.

    Args:
        groups: their names; None for an example that stands for itself.
    """
    numbers: dict[str | int, int] = {}
    named = ((place if name is None else name) for place, name in enumerate(groups))
    return np.array(
        [numbers.setdefault(name, len(numbers)) for name in named], np.int64
    )


def sample_weights(
    size: int, count: int, num_examples: int | None = None
) -> Iterator[np.ndarray]:
    """How often each sample draws each group.

    Args:
        size: number of groups.
        count: number of samples.
        num_examples: that these groups hold, which says how many samples come at once; None
            for one each.

    Yields:
        float64 [some samples, groups]; `count` samples in all, every time the same.
    """
    rows = max(1, BLOCK // max(1, size))
    at_once = max(1, BLOCK // max(1, num_examples or size))
    for start in range(0, count, rows):
        block = _block(size, start, min(rows, count - start))
        for first in range(0, len(block), at_once):
            yield block[first : first + at_once]


@functools.lru_cache(maxsize=4)
def _block(size: int, start: int, rows: int) -> np.ndarray:
    random = np.random.default_rng([size, start])
    drawn = random.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=rows * size)
    return counts.reshape(rows, size).astype(np.float64)


def _packed(replicates: Replicates) -> bytes:
    score, samples, quality, examples, groups, limits = replicates
    header = json.dumps([score, len(samples), examples, groups, limits])
    return header.encode() + b"\n" + samples.tobytes() + quality.tobytes()


def _unpacked(content: bytes | None) -> Replicates | None:
    if content is None:
        return None
    header, _, numbers = content.partition(b"\n")
    score, count, examples, groups, limits = json.loads(header)
    arrays = np.frombuffer(numbers, np.float64)
    samples, quality = arrays[:count], arrays[count:]
    return Replicates(score, samples, quality, examples, Groups(*groups), tuple(limits))
