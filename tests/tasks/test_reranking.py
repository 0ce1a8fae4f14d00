"""Re-ranking and its metrics, by hand and by the libraries."""

import jiwer
import numpy as np
import pytest
import sacrebleu

from electra_bench.data.readers.nbest_lists import NBest
from electra_bench.tasks.metrics.hypotheses import METRICS, hypothesis_metric
from electra_bench.tasks.reranking import (
    Rescored,
    choose_weight,
    corpus_score,
    oracle_score,
)

SENTENCES = ["the cat sat on the mat there", "a b c d", ""]
REFERENCES = [
    ["the cat sat on a mat there"],
    ["a b x d", "a b c e"],
    ["nothing was said"],
]


def rescored(hypotheses, scores, plls, *references):
    return Rescored(
        NBest(1, "file: line 1", tuple(hypotheses), tuple(scores), references),
        np.array(plls, np.float64),
    )


def test_metrics_are_the_libraries():
    first = [texts[0] for texts in REFERENCES]
    wer = hypothesis_metric("wer").corpus(SENTENCES, REFERENCES)
    # on a -> the, c -> x, three words deleted; of 14 words
    assert wer == pytest.approx(100 * 5 / 14)
    assert wer == pytest.approx(100 * jiwer.wer(first, SENTENCES))
    second = [None, "a b c e", None]
    for name, function in (
        ("bleu", sacrebleu.corpus_bleu),
        ("chrf", sacrebleu.corpus_chrf),
    ):
        found = hypothesis_metric(name).corpus(SENTENCES, REFERENCES)
        assert found == function(SENTENCES, [first, second]).score
    found = hypothesis_metric("bleu").sentence(SENTENCES[0], REFERENCES[0])
    assert found == sacrebleu.sentence_bleu(SENTENCES[0], REFERENCES[0]).score


def test_options_of_a_metric_are_its_library_s():
    plain, other = (
        hypothesis_metric("bleu", options).corpus(["A b c d"], [["a b c d"]])
        for options in ({}, {"lowercase": True})
    )
    assert plain < other == pytest.approx(100)
    for name in METRICS:
        with pytest.raises(ValueError, match=f"metric {name} does not take"):
            hypothesis_metric(name, {"colour": "red"})
    with pytest.raises(ValueError, match="metric must be one of wer, bleu, chrf"):
        hypothesis_metric("rouge")


def test_the_best_hypothesis_by_hand():
    one = rescored(["x", "y", "z"], [-1.0, -2.0, -1.0], [-40.0, -30.0, -39.0])
    assert one.best(0.0) == 0  # the first of two equal ones
    np.testing.assert_allclose(one.scores(0.05), [-3.0, -3.5, -2.95])
    assert one.best(0.05) == 2
    assert one.best(0.2) == 1
    # Positive scores of Electric count in the same way.
    assert rescored(["x", "y"], [0.0, -1.0], [2.0, 5.0]).best(0.5) == 1


def test_the_weight_is_the_best_on_the_lists():
    wer = hypothesis_metric("wer")
    lists = [
        # right with a weight above 0.1
        rescored(["a c", "a b"], [-1.0, -2.0], [-20.0, -10.0], "a b"),
        # right with a weight below 0.5
        rescored(["d e", "d f"], [-1.0, -6.0], [-20.0, -10.0], "d e"),
    ]
    values = {w: corpus_score(lists, w, wer) for w in (0.0, 0.05, 0.2, 0.4, 0.9)}
    assert values == {0.0: 25.0, 0.05: 25.0, 0.2: 0.0, 0.4: 0.0, 0.9: 25.0}
    assert choose_weight(lists, (0.9, 0.4, 0.2, 0.05), wer) == 0.2
    chrf = hypothesis_metric("chrf")  # the larger the better
    assert choose_weight(lists, (0.9, 0.4, 0.2, 0.05), chrf) == 0.2


def test_the_oracle_knows_the_references():
    lists = [
        rescored(["a b x", "a b", "c"], [3.0, 2.0, 1.0], [0.0] * 3, "a b c"),
        rescored(["x", "d e"], [2.0, 1.0], [0.0] * 2, "d e"),
    ]
    # One word of five is wrong at the least, three in the first pass's choice.
    assert oracle_score(lists, hypothesis_metric("wer")) == pytest.approx(20.0)
    assert corpus_score(lists, 0.0, hypothesis_metric("wer")) == pytest.approx(60.0)
    for name in ("bleu", "chrf"):
        metric = hypothesis_metric(name)
        right = ["the cat sat on a mat", "there it sat and slept"]
        hypotheses = [["a dog sat on a mat", right[0]], ["there it sat", right[1]]]
        lists = [
            rescored(texts, [2.0, 1.0], [0.0] * 2, reference)
            for texts, reference in zip(hypotheses, right, strict=True)
        ]
        assert corpus_score(lists, 0.0, metric) < 80.0
        assert oracle_score(lists, metric) == pytest.approx(100.0)
