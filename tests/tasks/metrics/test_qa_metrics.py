"""Scores of question answering against the original's numbers."""

import json
import math

import numpy as np
import pytest
from t5.evaluation import qa_utils

from electra_bench.tasks.metrics.chosen_threshold import half_of
from electra_bench.tasks.metrics.squad import (
    Answer,
    mrqa_scores,
    span_qa,
    squad_v1,
    squad_v2,
)
from electra_bench.tasks.postprocessors import answer_or_none

# Shares no word with any recorded answer.
NOTHING_RIGHT = "\N{REPLACEMENT CHARACTER}"


def golden_case(shared_golden, file, name):
    golden = json.loads((shared_golden / "metrics" / file).read_text())
    [case] = [case for case in golden["cases"] if case["case"] == name]
    return case


def squad_answers(case):
    """Ids of questions to their right answers."""
    return {
        question["id"]: [answer["text"] for answer in question["answers"]]
        for article in case["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }


@pytest.fixture(scope="module")
def pairs(shared_golden):
    return json.loads((shared_golden / "metrics/answer_pairs.json").read_text())[
        "pairs"
    ]


def test_t5_normalises_as_the_original(pairs):
    for pair in pairs:
        for name in ("prediction", "gold"):
            normalised = qa_utils.normalize_squad(pair[name])
            assert normalised == pair[f"normalized_{name}"]


@pytest.mark.parametrize(
    ("version", "metric", "predict"),
    [
        ("v1", squad_v1, str),
        ("mrqa", mrqa_scores, str),
        ("v2", squad_v2(), lambda text: Answer(text, -math.inf)),
    ],
)
def test_scores_of_one_answer_equal_the_originals(pairs, version, metric, predict):
    for pair in pairs:
        scores = metric([[pair["gold"]]], [predict(pair["prediction"])])
        for name in ("exact", "f1"):
            expected = 100.0 * pair[f"{version}_{name}"]
            assert scores[name] == pytest.approx(expected, rel=1e-9), pair


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "missing_prediction",
        "special",
        "all_wrong",
    ],
)
def test_squad_v1_equals_the_original(shared_golden, name):
    case = golden_case(shared_golden, "squad_v1.json", name)
    answers = squad_answers(case)
    predictions = [case["predictions"].get(i, NOTHING_RIGHT) for i in answers]
    scores = squad_v1(list(answers.values()), predictions)
    expected = {"exact": case["result"]["exact_match"], "f1": case["result"]["f1"]}
    assert scores == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "missing_prediction",
        "special",
    ],
)
def test_mrqa_equals_the_original(shared_golden, name):
    case = golden_case(shared_golden, "mrqa.json", name)
    answers = {
        question["qid"]: question["answers"]
        for line in case["jsonl_lines"]
        for question in line.get("qas", ())
    }
    for result, ids in (
        ("result", [i for i in answers if i in case["predictions"]]),
        ("result_skip_no_answer_false", list(answers)),
    ):
        predictions = [case["predictions"].get(i, NOTHING_RIGHT) for i in ids]
        scores = mrqa_scores([answers[i] for i in ids], predictions)
        expected = {"exact": case[result]["exact_match"], "f1": case[result]["f1"]}
        assert scores == pytest.approx(expected, rel=1e-9)


# Without the two cases in which the original fails: a prediction or its odds are missing.
@pytest.mark.parametrize(
    "name",
    [
        "mixed",
        "threshold_0",
        "ties",
        "all_answerable",
        "all_unanswerable",
        "special_golds",
        "nothing_beats_abstaining",
    ],
)
def test_squad_v2_equals_the_original(shared_golden, name):
    case = golden_case(shared_golden, "squad_v2.json", name)
    answers = squad_answers(case)
    predictions = [
        Answer(case["predictions"][i], case["na_scores"][i]) for i in answers
    ]
    scores = squad_v2(case["na_threshold"])(list(answers.values()), predictions)
    for key, score in scores.items():
        if key in case["result"]:
            assert score == pytest.approx(case["result"][key], rel=1e-9), key
            assert "thresh" not in key or score == case["result"][key]
        else:
            assert math.isnan(score), key
    assert {key for key in case["result"] if not key.endswith("total")} <= set(scores)


def by_every_threshold(targets, answers, threshold):
    """Exact match of SQuAD 2.0 at all thresholds; texts are their own normal form."""

    def share(kept):
        return 100.0 * sum(kept) / len(kept)

    rows = list(zip(targets, answers, strict=True))
    at_threshold = [
        not right if answer.null_odds > threshold else answer.text in (right or [""])
        for right, answer in rows
    ]
    by_kind = {True: [], False: []}
    for score, right in zip(at_threshold, targets, strict=True):
        by_kind[bool(right)].append(score)
    order = sorted(range(len(rows)), key=lambda i: answers[i].null_odds)
    best = share([not right for right in targets]), 0.0
    for count, last in enumerate(order, 1):
        answered = order[:count]
        scores = [
            answers[i].text in (right or [""]) if i in answered else not right
            for i, right in enumerate(targets)
        ]
        if share(scores) > best[0]:
            best = share(scores), answers[last].null_odds
    return {
        "exact": share(at_threshold),
        "HasAns_exact": share(
            [x for x, t in zip(at_threshold, targets, strict=True) if t]
        ),
        "NoAns_exact": share(
            [x for x, t in zip(at_threshold, targets, strict=True) if not t]
        ),
        "best_exact": best[0],
        "best_exact_thresh": best[1],
    }


@pytest.mark.parametrize("threshold", [-2.75, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_squad_v2_equals_a_trial_of_all_thresholds(seed, threshold):
    random = np.random.default_rng(seed)
    words = ["red", "green", "blue"]
    targets = [random.choice(words, random.integers(0, 3)).tolist() for _ in range(40)]
    # Odds that say something, with ties.
    answers = [
        Answer(
            str(random.choice([*right, *words, ""])),
            float(np.round(random.normal(-1.5 * bool(right), 1.5), 1)),
        )
        for right in targets
    ]
    scores = squad_v2(threshold)(targets, answers)
    expected = by_every_threshold(targets, answers, threshold)
    for name, value in expected.items():
        assert scores[name] == pytest.approx(value, rel=1e-9), name
    # Answers of one word are right or wrong.
    for name in ("exact", "HasAns_exact", "NoAns_exact", "best_exact"):
        assert scores[name.replace("exact", "f1")] == pytest.approx(expected[name])


def test_where_nothing_beats_abstaining_the_best_threshold_is_0():
    scores = squad_v2()([[], ["red"]], [Answer("red", 1.0), Answer("blue", 2.0)])
    assert (scores["best_exact"], scores["best_exact_thresh"]) == (50.0, 0.0)


def test_the_threshold_is_the_originals():
    at_and_above = [Answer("red", -2.75), Answer("red", -2.7)]
    scores = squad_v2()([["red"], ["red"]], at_and_above)
    assert scores["HasAns_exact"] == 50.0


def test_scores_of_no_questions_are_nan():
    for scores in (squad_v1([], []), mrqa_scores([], []), squad_v2()([], [])):
        assert scores
        assert all(math.isnan(score) for score in scores.values()), scores


@pytest.mark.parametrize("metric", [squad_v1, mrqa_scores])
def test_an_unanswerable_question_is_named(metric):
    with pytest.raises(ValueError, match=r"question 1 of 2 .* no right answer"):
        metric([["red"], []], ["red", ""])


@pytest.mark.parametrize(
    ("metric", "prediction"),
    [
        (squad_v1, "red"),
        (mrqa_scores, "red"),
        (squad_v2(), Answer("red", 0.0)),
    ],
)
def test_a_missing_prediction_is_an_error(metric, prediction):
    with pytest.raises(ValueError):
        metric([["red"], ["blue"]], [prediction])


def test_answers_of_articles_only_give_way_to_others():
    scores = squad_v2()([["the", "red"], ["the"]], [Answer("a", -9.0)] * 2)
    assert (scores["exact"], scores["f1"]) == (50.0, 50.0)
    scores = squad_v1([["the", "red"], ["the"]], ["a", "a"])
    assert scores == {"exact": 100.0, "f1": 0.0}


def chosen(odds, halves, targets=(["red"], [], ["red"], [])):
    """Scores of questions, of which every other one has no answer."""
    answers = [Answer("red", *one) for one in zip(odds, halves, strict=True)]
    return squad_v2()(targets, answers)


@pytest.mark.parametrize("shift", [-10.0, 0.0, 10.0])
def test_a_chosen_threshold_knows_no_unit(shift):
    scores = chosen(np.array([-1, 1, -1.5, 3]) + shift, [0, 0, 1, 1])
    assert scores["f1"] == 50.0
    assert scores["f1_chosen"] == scores["exact_chosen"] == 75.0
    # That of the first half is the best one of the second, and the reverse.
    assert scores["f1_chosen_thresh_1"] == -1.5 + shift
    assert scores["f1_chosen_thresh_2"] == -1 + shift


def test_a_threshold_is_not_chosen_on_what_is_scored():
    """What is best for each half separates nothing in the other one."""
    scores = chosen([0, 1, 9, 10], [0, 0, 1, 1])
    assert scores["f1_chosen"] == 50.0 < scores["best_f1"] == 75.0


def test_without_another_half_there_is_no_choice():
    assert math.isnan(chosen([-1, 1, -2, 2], [0] * 4)["f1_chosen"])
    assert "f1_chosen" not in chosen([-1, 1, -2, 2], [None] * 4)


def test_questions_about_one_text_are_in_one_half():
    halves = [half_of(f"article {i}") for i in range(200)]
    assert 70 < sum(halves) < 130
    assert answer_or_none(("red", 1.0), {"context": "article 0"}).half == halves[0]
    # As groups, which differences of case and blanks do not part.
    assert answer_or_none(("red", 1.0), {"context": "Article  0"}).half == halves[0]
    of_article = {"context": "c", "group": b"article 1"}
    assert answer_or_none(("red", 1.0), of_article).half == halves[1]


def test_a_sample_without_one_half_keeps_the_choice_of_all_its_questions():
    """Never to answer, which is best for nobody, would draw the intervals down."""
    answers = [Answer("red", odds, odds > 5) for odds in (1.0, 2.0, 9.0, 10.0)]
    found = span_qa([["red"]] * 4, answers)
    weights = np.array([[1, 1, 1, 1], [2, 2, 0, 0], [0, 0, 1, 3]], np.float64)
    expected = {"": [50, 100, 0], "_thresh_1": [10] * 3, "_thresh_2": [2] * 3}
    for name, values in expected.items():
        assert found[f"exact_chosen{name}"].score(weights).tolist() == values


def test_choosing_gains_nothing_where_odds_say_nothing():
    """The best threshold of all questions seems to gain ten points and more."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(100):
        targets = [["red"] if one < 0.5 else [] for one in random.random(40)]
        scores = chosen(random.normal(size=40), [0, 1] * 20, targets)
        found.append([scores["f1_chosen"], scores["best_f1"]])
    of_chosen, of_best = np.mean(found, 0)
    assert of_chosen == pytest.approx(50.0, abs=2.5)
    assert of_best > 58.0
