"""Whole development sets against recorded numbers: from a file of questions to scores."""

import numpy as np
import pytest
from finetune_cases import MADE_SPAN_QA, SPAN_QA
from golden_cases import golden_folder, with_sources
from question_cases import Evaluated, check_outputs

from electra_bench.core import Seed


@pytest.fixture(scope="module", params=with_sources(SPAN_QA, MADE_SPAN_QA))
def evaluated(request, tmp_path_factory):
    source, name = request.param
    folder = tmp_path_factory.mktemp("questions")
    return Evaluated.load(golden_folder(request, source), name, folder)


def test_windows_equal_the_originals(evaluated):
    for name in ("input_ids", "input_mask", "segment_ids"):
        np.testing.assert_array_equal(
            getattr(evaluated.batch, name), evaluated.recorded(f"features/{name}"), name
        )


def test_outputs_of_all_windows_equal_the_originals(evaluated):
    check_outputs(evaluated.outputs, lambda name: evaluated.recorded(f"outputs/{name}"))


def test_the_loss_of_the_questions_equals_the_originals(evaluated):
    losses = evaluated.losses()
    np.testing.assert_allclose(losses, evaluated.recorded("outputs/loss"), rtol=5e-5)
    mean = pytest.approx(evaluated.expected["loss"], rel=5e-5)
    assert losses.mean() == mean
    if not evaluated.config["joint_prediction"]:
        objective = evaluated.case.objective
        terms = objective.loss_terms(evaluated.batch, Seed.of(0), training=False)
        total = sum(t.coefficient * t.value(t.weight) for t in terms.values())
        assert float(total) / len(losses) == mean


def test_predictions_and_null_odds_equal_the_originals(evaluated):
    answers = evaluated.answers()
    texts = {name: text for name, (text, _) in answers.items()}
    assert texts == evaluated.expected["predictions"]
    if evaluated.case.task == "squad":
        odds = {name: value for name, (_, value) in answers.items()}
        assert odds == pytest.approx(evaluated.expected["na_scores"], abs=2e-4)


def test_scores_equal_the_originals(evaluated):
    # A threshold is the odds of a question.
    scores = evaluated.scores()
    assert scores == pytest.approx(evaluated.expected["metrics"], abs=2e-4)
