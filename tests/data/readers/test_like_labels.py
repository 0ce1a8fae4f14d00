import pytest

from electra_bench.data.readers.like_labels import like_labels


@pytest.mark.parametrize(
    "other",
    [
        "POS",
        " pos",
        "po\xa0s",
        "pos\u200b",
        "\ufeffpos",
        "p\u00ados",
        "\uff50os",
        "pos\t",
    ],
)
def test_labels_that_look_alike_are_told_with_their_counts(other):
    [said] = like_labels({"pos": 1200, "neg": 3, other: 1})
    assert f"{other!r} (1)" in said and "'pos' (1,200)" in said and "neg" not in said


def test_labels_that_differ_are_not():
    assert (
        like_labels({"1": 1, "1.0": 1, "": 1, "a": 1, "b": 0, "PRP": 2, "PRP$": 1})
        == []
    )
