"""Metrics of recognised or translated sentences against references; percentages."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

# What a metric compares: sentences, and the references of each.
Sentences = Sequence[str]
References = Sequence[Sequence[str]]


class HypothesisMetric(NamedTuple):
    """A metric of a whole set of sentences.

    Attributes:
        name: one of `METRICS`.
        higher_is_better: whether large values are good.
        corpus: `corpus(sentences, references)`, 0-100; a word error rate may be more.
        sentence: `sentence(text, references)`, of one sentence; for choosing the best of
            several.
    """

    name: str
    higher_is_better: bool
    corpus: Callable[[Sentences, References], float]
    sentence: Callable[[str, Sequence[str]], float]

    def is_better(self, value: float, other: float) -> bool:
        """Whether one value is better than another."""
        return value > other if self.higher_is_better else value < other


def word_error_rate() -> HypothesisMetric:
    """Substituted, deleted and inserted words in percent of the references' words.

    Over all sentences together, each with one reference, by jiwer. Words are what stands
    between spaces; case and punctuation count.
    """
    # Only this metric needs it.
    import jiwer

    def corpus(sentences: Sentences, references: References) -> float:
        right = [texts[0] for texts in references]
        return 100.0 * jiwer.process_words(right, list(sentences)).wer

    return HypothesisMetric(
        "wer", False, corpus, lambda text, references: corpus([text], [references])
    )


def bleu(**options: Any) -> HypothesisMetric:
    """BLEU by sacrebleu; of one sentence, with effective order.

    Args:
        **options: of `sacrebleu.metrics.BLEU`, as `tokenize="zh"`.
    """
    from sacrebleu.metrics import BLEU

    of_sentence = BLEU(**(options | {"effective_order": True}))
    return _sacrebleu("bleu", BLEU(**options), of_sentence)


def chrf(**options: Any) -> HypothesisMetric:
    """chrF by sacrebleu.

    Args:
        **options: of `sacrebleu.metrics.CHRF`, as `word_order=2`.
    """
    from sacrebleu.metrics import CHRF

    return _sacrebleu("chrf", CHRF(**options), CHRF(**options))


def _sacrebleu(name: str, of_corpus, of_sentence) -> HypothesisMetric:
    def corpus(sentences: Sentences, references: References) -> float:
        # sacrebleu has a list of references for each place; None where one is missing.
        most = max(map(len, references))
        places = [
            [texts[i] if i < len(texts) else None for texts in references]
            for i in range(most)
        ]
        return of_corpus.corpus_score(list(sentences), places).score

    def sentence(text: str, references: Sequence[str]) -> float:
        return of_sentence.sentence_score(text, list(references)).score

    return HypothesisMetric(name, True, corpus, sentence)


_BUILDERS: dict[str, Callable[..., HypothesisMetric]] = {
    "wer": word_error_rate,
    "bleu": bleu,
    "chrf": chrf,
}
METRICS = tuple(_BUILDERS)


def hypothesis_metric(
    name: str, options: Mapping[str, Any] | None = None
) -> HypothesisMetric:
    """The metric of a name.

    Args:
        name: one of `METRICS`.
        options: of its library.

    Raises:
        ValueError: there is none, or it does not take these options.
    """
    if name not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}; got {name!r}")
    try:
        return _BUILDERS[name](**(options or {}))
    except (TypeError, AssertionError) as error:
        raise ValueError(f"metric {name} does not take {options}: {error}") from error
