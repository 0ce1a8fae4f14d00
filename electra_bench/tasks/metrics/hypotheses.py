"""Metrics of recognised or translated sentences against references; percentages."""

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from electra_bench.tasks.metrics import weighted

# What a metric compares: sentences, and the references of each.
Sentences = Sequence[str]
References = Sequence[Sequence[str]]


class HypothesisMetric(NamedTuple):
    """A metric of a whole set of sentences, and of a single one.

    Attributes:
        name: one of `METRICS`.
        higher_is_better: whether large values are good.
        metric: of references and sentences, 0-100; a word error rate may be more.
        of_one: the same for one sentence, for choosing the best of several.
    """

    name: str
    higher_is_better: bool
    metric: weighted.Metric
    of_one: weighted.Metric

    def corpus(self, sentences: Sentences, references: References) -> float:
        """The metric of all sentences together."""
        return weighted.list_form(self.metric)(references, sentences)[self.name]

    def sentence(self, text: str, references: Sequence[str]) -> float:
        """The metric of one sentence."""
        return weighted.list_form(self.of_one)([references], [text])[self.name]

    def is_better(self, value: float, other: float) -> bool:
        """Whether one value is better than another."""
        return value > other if self.higher_is_better else value < other


def wer(targets: References, predictions: Sentences) -> weighted.Measures:
    """Substituted, deleted and inserted words in percent of the references' words.

    Over all sentences together, each with one reference, by jiwer. Words are what stands
    between spaces; case and punctuation count.
    """
    if not predictions:
        return {"wer": weighted.ratio([], [])}
    # Only this metric needs it.
    import jiwer

    found = jiwer.process_words([texts[0] for texts in targets], list(predictions))
    errors = [
        sum(
            max(
                part.ref_end_idx - part.ref_start_idx,
                part.hyp_end_idx - part.hyp_start_idx,
            )
            for part in parts
            if part.type != "equal"
        )
        for parts in found.alignments
    ]
    words = [len(reference) for reference in found.references]
    measured = weighted.ratio(errors, words)
    return {"wer": measured._replace(quality=-measured.quality, limits=(0.0, math.inf))}


def bleu(targets: References, predictions: Sentences) -> weighted.Scores:
    """BLEU by sacrebleu, which has no weighted form."""
    return _by_sacrebleu("bleu").metric(targets, predictions)


def chrf(targets: References, predictions: Sentences) -> weighted.Scores:
    """chrF by sacrebleu, which has no weighted form."""
    return _by_sacrebleu("chrf").metric(targets, predictions)


def _by_sacrebleu(name: str, **options: Any) -> HypothesisMetric:
    # Of few words only the orders that they have.
    effective = {"effective_order": True} if name == "bleu" else {}
    of_one = _in_lists(name, options | effective)
    return HypothesisMetric(name, True, _in_lists(name, options), of_one)


def _in_lists(name: str, options: Mapping[str, Any]) -> weighted.Metric:
    # It takes half a second.
    import sacrebleu.metrics

    scorer = getattr(sacrebleu.metrics, name.upper())(**options)

    def metric(targets: References, predictions: Sentences) -> weighted.Scores:
        if not predictions:
            return {name: math.nan}
        # A list of references for each place; None where one is missing.
        places = list(itertools.zip_longest(*targets))
        return {name: scorer.corpus_score(list(predictions), places).score}

    return metric


METRICS = ("wer", "bleu", "chrf")


def hypothesis_metric(
    name: str, options: Mapping[str, Any] | None = None
) -> HypothesisMetric:
    """The metric of a name.

    Args:
        name: one of `METRICS`.
        options: of its library, as `{"tokenize": "zh"}`.

    Raises:
        ValueError: there is none, or it does not take these options.
    """
    if name not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}; got {name!r}")
    make = functools.partial(_by_sacrebleu, name)
    if name == "wer":
        make = functools.partial(HypothesisMetric, name, False, wer, wer)
    try:
        return make(**(options or {}))
    except (TypeError, AssertionError) as error:
        raise ValueError(f"metric {name} does not take {options}: {error}") from error
