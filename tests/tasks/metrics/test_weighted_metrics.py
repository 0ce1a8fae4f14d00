"""Registered metrics against other libraries: a weight of two is an example twice."""

import jiwer
import numpy as np
import pytest
import sacrebleu
import scipy.stats
import seqeval.metrics
import sklearn.metrics
import t5.evaluation.metrics

from electra_bench.registry import metrics
from electra_bench.tasks.metrics import squad
from electra_bench.tasks.metrics.classification import binary_f1
from electra_bench.tasks.metrics.tagging import spans
from electra_bench.tasks.metrics.weighted import (
    RESAMPLED,
    list_form,
    measured,
    ratio,
)

SIZE = 60
CLASSES = np.array(["no", "yes", "maybe"])
TAGS = np.array(["O", "B-NP", "I-NP", "B-VP", "E-VP", "S-VP", "I", "B", "S-NP-x"])
WORDS = ("The", "an answer", "answer!", "red", "green red", "--", "a", "42")


def classes(random):
    targets = random.choice(CLASSES, SIZE)
    wrong = random.choice(CLASSES, SIZE)
    return targets, np.where(random.random(SIZE) < 0.7, targets, wrong)


def numbers_with_ties(random):
    targets = random.integers(0, 6, SIZE).astype(float)
    return targets, np.round(targets + random.normal(0, 2, SIZE), 1)


def numbers(random):
    targets = 1e6 + random.normal(0, 1, SIZE)
    return targets, 1e-3 * targets + random.normal(0, 1e-3, SIZE)


def sentences(random):
    lengths = random.integers(1, 9, SIZE)
    targets = [list(map(str, random.choice(TAGS, n))) for n in lengths]
    kept = [random.random(len(t)) < 0.8 for t in targets]
    found = [
        [str(t if k else random.choice(TAGS)) for t, k in zip(*pair, strict=True)]
        for pair in zip(targets, kept, strict=True)
    ]
    return targets, found


def answers(random, least=1):
    targets = [
        list(map(str, random.choice(WORDS, random.integers(least, 3))))
        for _ in range(SIZE)
    ]
    return targets, [" ".join(random.choice(WORDS, 2)) for _ in range(SIZE)]


def answers_or_none(random):
    targets, texts = answers(random, least=0)
    # Some odds are equal.
    odds = np.round(random.normal(-2.75, 2, SIZE), 1).tolist()
    halves = random.integers(0, 2, SIZE).tolist()
    return targets, list(zip(texts, odds, halves, strict=True))


def hypotheses(random):
    targets, texts = answers(random)
    return [answers[:1] for answers in targets], texts


def label_lists(random):
    """Of some texts no label is right, of others none is predicted."""
    has = random.random([SIZE, len(CLASSES)]) < [0.1, 0.5, 0.3]
    found = np.where(random.random(has.shape) < 0.7, has, ~has)
    return [[CLASSES[row].tolist() for row in side] for side in (has, found)]


def of_label_lists(function, **options):
    """scikit-learn's metric; labels that do not occur have no F1."""

    def score(*sides):
        occur = sorted({name for side in sides for names in side for name in names})
        rows = ([[x in names for x in occur] for names in side] for side in sides)
        return 100 * function(*map(np.array, rows), **options)

    return score


def sklearn_mcc(targets, predictions):
    return 100 * sklearn.metrics.matthews_corrcoef(targets, predictions)


def sklearn_macro_f1(targets, predictions):
    return 100 * sklearn.metrics.f1_score(
        targets, predictions, average="macro", zero_division=0.0
    )


def of_seqeval(function):
    return lambda targets, predictions: (
        100 * float(getattr(seqeval.metrics, function)(targets, predictions))
    )


def of_squad_v1(key):
    return lambda *sides: t5.evaluation.metrics.squad(*sides)[key]


def of_squad_v2(key):
    return lambda targets, predictions: squad.squad_v2()(
        targets, [squad.Answer(*prediction) for prediction in predictions]
    )[key]


def at_thresholds_of_the_other_half(key):
    """Every threshold there may be is tried on one half; the best is the other's."""

    def score(targets, predictions):
        def scored(half, threshold):
            pairs = zip(targets, predictions, strict=True)
            return sum(
                float(not target)
                if odds > threshold
                else getattr(squad.match_or_none(target, text), key)
                for target, (text, odds, own) in pairs
                if own == half
            )

        total = 0.0
        for half in (0, 1):
            tried = sorted(odds for _, odds, own in predictions if own != half)
            tried = [-np.inf, *tried]
            best = max(tried, key=lambda threshold: scored(1 - half, threshold))
            total += scored(half, best)
        return 100 * total / len(targets)

    return score


def of_sacrebleu(function):
    return lambda targets, predictions: (
        function(predictions, [[texts[0] for texts in targets]]).score
    )


CASES = [
    (
        "accuracy",
        classes,
        lambda *sides: 100 * sklearn.metrics.accuracy_score(*sides),
    ),
    ("mcc", classes, sklearn_mcc),
    ("macro_f1", classes, sklearn_macro_f1),
    *(
        (
            name,
            label_lists,
            of_label_lists(
                sklearn.metrics.f1_score, average=average, zero_division=0.0
            ),
        )
        for name, average in (("micro_f1", "micro"), ("multi_label_macro_f1", "macro"))
    ),
    (
        "subset_accuracy",
        label_lists,
        of_label_lists(sklearn.metrics.accuracy_score),
    ),
    *(
        (name, make, function)
        for make in (numbers, numbers_with_ties)
        for name, function in (
            ("pearson", lambda *sides: 100 * scipy.stats.pearsonr(*sides)[0]),
            ("spearman", lambda *sides: 100 * scipy.stats.spearmanr(*sides)[0]),
        )
    ),
    ("tagging_f1", sentences, of_seqeval("f1_score")),
    ("tagging_precision", sentences, of_seqeval("precision_score")),
    ("tagging_recall", sentences, of_seqeval("recall_score")),
    ("tag_accuracy", sentences, of_seqeval("accuracy_score")),
    ("span_qa_exact", answers, of_squad_v1("em")),
    ("span_qa_f1", answers, of_squad_v1("f1")),
    *(
        (f"span_qa_{key}", answers_or_none, of_squad_v2(key))
        for score in ("exact", "f1")
        for key in (score, f"HasAns_{score}", f"NoAns_{score}", f"best_{score}")
    ),
    *(
        (f"{key}_chosen", answers_or_none, at_thresholds_of_the_other_half(key))
        for key in ("exact", "f1")
    ),
    (
        "wer",
        hypotheses,
        lambda targets, predictions: (
            100 * jiwer.wer([texts[0] for texts in targets], predictions)
        ),
    ),
    ("bleu", hypotheses, of_sacrebleu(sacrebleu.corpus_bleu)),
    ("chrf", hypotheses, of_sacrebleu(sacrebleu.corpus_chrf)),
]
CORRELATIONS = ("mcc", "pearson", "spearman")


def score_name(name):
    for kind in ("tagging_", "span_qa_", "multi_label_"):
        name = name.removeprefix(kind)
    return name


@pytest.mark.filterwarnings("ignore:.*seems not to be NE tag")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "make", "function"), CASES)
def test_equals_the_metric_of_repeated_examples(name, make, function, seed):
    random = np.random.default_rng(seed)
    targets, predictions = (list(side) for side in make(random))
    weights = random.multinomial(SIZE, [1 / SIZE] * SIZE, size=8).astype(float)
    weights[0] = 1.0
    metric = measured(
        metrics.get(name), score_name(name), targets, predictions, predictions
    )
    assert metric.quality.shape == (SIZE,)
    if name in ("bleu", "chrf"):
        assert metric.max_samples == RESAMPLED
    elif name == "wer":
        assert metric.limits == (0.0, np.inf)
    else:
        assert metric.limits == (-100.0 if name in CORRELATIONS else 0.0, 100.0)
    for row, score in zip(weights, metric.score(weights), strict=True):
        drawn = np.repeat(np.arange(SIZE), row.astype(int))
        expected = function(
            [targets[i] for i in drawn], [predictions[i] for i in drawn]
        )
        assert score == pytest.approx(expected, abs=1e-7)


def test_an_answer_is_as_good_as_its_share():
    assert ratio([1, 0, 2, 0], [2, 4, 2, 0]).quality.tolist() == [0.5, 0.0, 1.0, 1.0]


def test_equal_answers_need_not_be_one_object():
    targets, answers = ["".join(["a", "b"])], ["".join(["a", "b"])]
    found = measured(lambda *_: {"own": 1.0}, "own", targets, answers, answers)
    assert found.quality.tolist() == [1.0]


def test_every_case_is_registered_and_every_name_has_a_case():
    assert {name for name, *_ in CASES} == set(metrics.names())


# Without answers it is not known whether they have odds, which these need.
NEED_ODDS = {name for name, make, _ in CASES if make is answers_or_none} - {
    "span_qa_exact",
    "span_qa_f1",
}


@pytest.mark.parametrize("name", sorted({name for name, *_ in CASES} - NEED_ODDS))
def test_no_examples_have_no_score(name):
    assert np.isnan(list_form(metrics.get(name))([], [])[score_name(name)])


def test_texts_without_any_label():
    nothing = [[], []]
    found = {
        name: list_form(metrics.get(name))(nothing, nothing)[score_name(name)]
        for name in ("micro_f1", "multi_label_macro_f1", "subset_accuracy")
    }
    assert list(found.values()) == [0.0, 0.0, 100.0]


def test_the_f1_of_one_class_is_scikit_learns():
    random = np.random.default_rng(1)
    for positive in ("yes", "absent"):
        targets, predictions = classes(random)
        expected = sklearn.metrics.f1_score(
            targets == positive, predictions == positive, zero_division=0.0
        )
        found = list_form(binary_f1(positive))(targets, predictions)
        assert found == {"f1": pytest.approx(100 * expected)}


def test_spans_are_seqevals():
    random = np.random.default_rng(1)
    tags = ["O", *(f"{form}-{kind}" for form in "BIES" for kind in ("NP", "VP"))]
    for _ in range(500):
        sentence = random.choice(tags, random.integers(0, 9)).tolist()
        expected = seqeval.metrics.sequence_labeling.get_entities(sentence)
        assert spans(sentence) == expected, sentence


@pytest.mark.parametrize("right", [2, 4])
def test_sentences_of_other_lengths_are_refused(right):
    for name in ("tagging_f1", "tag_accuracy"):
        with pytest.raises(ValueError, match=f"{right} right tags, but 3 predicted"):
            metrics.get(name)([["O"] * right], [["O"] * 3])


def test_where_no_span_is_found_or_wanted_all_is_0():
    nothing, spanned = [["O", "O"]], [["B-NP", "E-NP"]]
    for sides in ((spanned, nothing), (nothing, spanned), (nothing, nothing)):
        found = list_form(metrics.get("tagging_f1"))(*sides)
        assert found == {"f1": 0.0, "precision": 0.0, "recall": 0.0}


@pytest.mark.parametrize(
    "name", ["accuracy", "mcc", "macro_f1", "pearson", "spearman", "tag_accuracy"]
)
def test_answers_and_targets_are_as_many(name):
    answers = {
        "pearson": [1.0, 2.0],
        "spearman": [1.0, 2.0],
        "tag_accuracy": [["O"]] * 2,
    }
    both = answers.get(name, ["a", "b"])
    for sides in ((both, both[:1]), (both[:1], both)):
        with pytest.raises(ValueError):
            list_form(metrics.get(name))(*sides)


def test_one_class_has_no_correlation():
    one_class = metrics.get("mcc")(["a", "a"], ["a", "b"])["mcc"]
    assert one_class.score(np.ones((1, 2)))[0] == 0.0


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_undefined_correlations_are_nan(name):
    sides = ([0.1, 0.1, 0.1, 7.3], [3.0, 2.0, 1.0, 1.5])
    weights = np.array([[1, 1, 1, 0], [0, 0, 0, 4], [1, 1, 1, 1]])
    for first, second in (sides, sides[::-1]):
        scores = metrics.get(name)(first, second)[name].score(weights)
        assert np.isnan(scores).tolist() == [True, True, False]
    wrong = metrics.get(name)([1.0, 2.0, 3.0], [1.0, np.nan, 3.0])[name]
    assert np.isnan(wrong.score(np.ones((1, 3)))).all()


@pytest.mark.parametrize("factor", [1e-200, 1.0, 1e200])
def test_correlations_know_no_unit(factor):
    targets, predictions = numbers_with_ties(np.random.default_rng(3))
    expected = 100 * scipy.stats.pearsonr(targets, predictions)[0]
    found = list_form(metrics.get("pearson"))(factor * targets, predictions)
    assert found == {"pearson": pytest.approx(expected)}
