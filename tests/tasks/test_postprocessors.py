import numpy as np
import pytest

from electra_bench.tasks import postprocessors


def test_class_labels():
    name = postprocessors.class_label(("no", "yes"))
    assert name(np.array([1], np.int32), is_target=True) == "yes"
    assert name(0, example={}) == "no"
    assert name(np.array([], np.int32), is_target=True) is None


def test_values_return_to_their_scale():
    value = postprocessors.scaled_value(0.0, 5.0)
    assert value(np.array([0.5], np.float32), is_target=True) == 2.5
    assert value(1.1) == pytest.approx(5.5)
    assert value(np.array([], np.float32), is_target=True) is None
    assert postprocessors.scaled_value(1.0, 5.0)(0.5) == 3.0


def test_tags_are_those_of_words():
    tags = postprocessors.word_tags(("O", "S-NP"))
    assert tags(np.array([-1, 1, -1, 0, -1]), is_target=True) == ["S-NP", "O"]
    assert tags([1, 0], example={"labels": [-1, 1, -1, 0, -1]}) == ["S-NP", "O"]
