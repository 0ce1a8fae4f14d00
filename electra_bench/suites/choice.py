"""Choosing among runs by their scores."""

import math
from collections.abc import Mapping

from electra_bench.records import RunRecord


def best(records: Mapping[str, RunRecord]) -> str:
    """The name of the run with the best main score on its first split.

    Args:
        records: name to record; of runs that score alike the first is taken. An undefined
            score counts as the floor.

    Raises:
        ValueError: none of them has a score.
    """
    scores = {}
    for name, record in records.items():
        result = record.results[0]
        score = result.floor if result.main_score is None else result.main_score
        if score is not None and math.isfinite(score):
            scores[name] = score if result.higher_is_better is not False else -score
    if not scores:
        raise ValueError(f"no score to choose by: all of {', '.join(records)} lack one")
    return max(scores, key=lambda name: scores[name])
