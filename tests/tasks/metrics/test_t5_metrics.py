"""What answers without t5 gives t5's numbers."""

import sys

import numpy as np
import pytest

from electra_bench.cli import doctor
from electra_bench.tasks.metrics import t5_metrics
from electra_bench.tasks.metrics.correlation import listed_pearson, listed_spearman
from electra_bench.tasks.metrics.squad import squad_v1

PARTS = (
    *("the", "The", "a", "an", "thea", "a-n", "An.", "theatre", "42", "4.2", "U.S."),
    *("", " ", "\t", "\n", "\u00a0", "\u3000", "\u200b", "-", "--", "'", '"', "«", "…"),
    *("Ä", "ß", "İ", "ǅ", "ﬁ", "é", "e\u0301", "東京", "𝕏", "_", "a_b", "$5", "x=y"),
)


def answers(random, size):
    def text():
        return random.choice(["", " "]).join(
            random.choice(PARTS, random.integers(0, 5))
        )

    targets = [[text() for _ in range(random.integers(1, 4))] for _ in range(size)]
    chosen = [random.choice(right) for right in targets]
    keep = random.random(size) < 0.3
    predictions = [c if k else text() for c, k in zip(chosen, keep, strict=True)]
    return [list(map(str, right)) for right in targets], list(map(str, predictions))


def numbers(random, size):
    x = random.choice([1e-9, 1.0, 1e9]) * random.normal(0, 1, size)
    y = random.choice([-1.0, 0.0, 1.0]) * x + random.normal(random.normal(), 1, size)
    if random.random() < 0.5:
        x, y = np.round(x), np.round(y)
    if random.random() < 0.1:
        y = np.full(size, 0.1)
    if random.random() < 0.1:
        x[:1] = np.nan
    return x.tolist(), y.tolist()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("metric", "make"),
    [
        (squad_v1, answers),
        (listed_pearson, numbers),
        (listed_spearman, numbers),
    ],
)
def test_own_code_answers_as_t5(metric, make, monkeypatch):
    random = np.random.default_rng(7)
    for _ in range(300):
        targets, predictions = make(random, int(random.integers(0, 40)))
        by_t5 = metric(targets, predictions)
        with monkeypatch.context() as patch:
            patch.setattr(t5_metrics, "library", lambda: (None, "absent"))
            own = metric(targets, predictions)
        assert own == pytest.approx(by_t5, nan_ok=True, rel=1e-6), (
            targets,
            predictions,
        )


def test_t5_computes_where_it_is_installed(monkeypatch):
    found, version = t5_metrics.library()
    assert version
    calls = []
    monkeypatch.setattr(
        found, "squad", lambda *sides: calls.append(sides) or {"em": 1.0, "f1": 2.0}
    )
    assert squad_v1([["x"], ["y"]], ["x", "y"]) == {"exact": 1.0, "f1": 2.0}
    assert len(calls) == 1


def test_without_t5_own_code_answers_and_doctor_says_so(monkeypatch):
    assert doctor.metrics_of_t5().status == "ok"
    t5_metrics.library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "t5", None)  # an import of it fails
        check = doctor.metrics_of_t5()
        assert squad_v1([["x"], ["y"]], ["x", "z"]) == {"exact": 50.0, "f1": 50.0}
    t5_metrics.library.cache_clear()
    assert "own code computes its metrics" in check.detail
