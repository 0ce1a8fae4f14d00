"""N-best re-ranking: a first pass's scores, interpolated with pseudo-log-likelihoods.

Source: Clark et al. 2020 (Electric), section 3.2; Salazar et al. 2020, section 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from electra_bench.data.readers.nbest_lists import NBest
from electra_bench.data.text.lines import json_writer
from electra_bench.tasks.metrics.hypotheses import HypothesisMetric


class Rescored(NamedTuple):
    """An n-best list with what the second pass says.

    Attributes:
        nbest: the list.
        plls: pseudo-log-likelihood of each hypothesis, float64 [hypotheses].
    """

    nbest: NBest
    plls: np.ndarray

    def scores(self, weight: float) -> np.ndarray:
        """First-pass score + weight * PLL of each hypothesis, float64 [hypotheses]."""
        return np.asarray(self.nbest.scores) + weight * self.plls

    def best(self, weight: float) -> int:
        """Index of the best hypothesis; of equal ones the first."""
        return int(np.argmax(self.scores(weight)))


def check_references(lists: Sequence[NBest], metric: str) -> None:
    """Checks that lists have the references that a metric needs.

    Args:
        lists: of one file.
        metric: `wer`, `bleu` or `chrf`.

    Raises:
        ValueError: one has none, or more than the metric takes; says which.
    """
    for nbest in lists:
        if not nbest.references:
            raise ValueError(
                f"{nbest.where} has no reference, which --metric {metric} needs; without "
                "references, give --lambda and no --metric"
            )
        if metric == "wer" and len(nbest.references) > 1:
            raise ValueError(
                f"{nbest.where} has {len(nbest.references)} references; --metric wer "
                "needs one"
            )
    if metric == "wer" and not any(nbest.references[0].split() for nbest in lists):
        raise ValueError(f"{lists[0].where}: no reference of the file has a word")


def corpus_score(
    lists: Sequence[Rescored], weight: float, metric: HypothesisMetric
) -> float:
    """The metric of the best hypotheses.

    Args:
        lists: with references.
        weight: of the PLL; 0 gives the first pass's choice.
        metric: what to compute.
    """
    return _corpus(lists, [r.best(weight) for r in lists], metric)


def oracle_score(lists: Sequence[Rescored], metric: HypothesisMetric) -> float:
    """The metric if the best hypothesis by its own score were chosen in every list.

    For the word error rate this is the least that is possible; BLEU and chrF of the whole
    are no sums over sentences, so a little more may be.

    Args:
        lists: with references.
        metric: what to compute.
    """
    chosen = []
    for nbest, _ in lists:
        values = [metric.sentence(text, nbest.references) for text in nbest.hypotheses]
        best = max if metric.higher_is_better else min
        chosen.append(values.index(best(values)))
    return _corpus(lists, chosen, metric)


def _corpus(
    lists: Sequence[Rescored], chosen: Sequence[int], metric: HypothesisMetric
) -> float:
    texts = [r.nbest.hypotheses[i] for r, i in zip(lists, chosen, strict=True)]
    return metric.corpus(texts, [r.nbest.references for r in lists])


def choose_weight(
    lists: Sequence[Rescored], grid: Sequence[float], metric: HypothesisMetric
) -> float:
    """The weight of a grid that is best on lists; of equal ones the smallest.

    Args:
        lists: with references; others than those that are reported as a result.
        grid: the weights to try.
        metric: decides.
    """
    best = max if metric.higher_is_better else min
    return best(sorted(grid), key=lambda weight: corpus_score(lists, weight, metric))


def write_best(path: str, lists: Sequence[Rescored], weight: float) -> None:
    """Writes the best hypothesis of every list, as JSON lines.

    Args:
        path: see `json_writer`.
        lists: in their order.
        weight: of the PLL.
    """
    with json_writer(path) as write:
        for rescored in lists:
            index = rescored.best(weight)
            write(
                {
                    "id": rescored.nbest.id,
                    "best": rescored.nbest.hypotheses[index],
                    "index": index,
                    "scores": rescored.scores(weight).tolist(),
                }
            )
