"""A grid that chooses hyper-parameters: which trials there are, and what is taken."""

import math

import pytest
from run_records import run_record

from electra_bench.suites.cell import shown
from electra_bench.suites.choice import best
from electra_bench.suites.search import Search

MODELS = {"electra": {"pretrain": {}}, "untrained": {"files": ("models/tiny.gin",)}}
SEARCH = {"LEARNING_RATE": [1e-4, 2e-4], "EPOCHS": [1.0, 3.0]}


def cells(**changes):
    given = {
        "models": MODELS,
        "tasks": ("cola",),
        "seeds": (3, 4),
        "search": SEARCH,
        **changes,
    }
    return {cell.cell_id: cell for cell in Search(**given)("work")}


def test_every_combination_is_tried_once_a_model_and_task_with_the_first_seed():
    found = cells(tasks=("cola", "rte"))
    trials = [name for name in found if "-trial" in name]
    assert len(trials) == 2 * 2 * 4 and all(name.endswith("-s3") for name in trials)
    trial = found["electra-trial2-cola-s3"]
    assert (trial.bindings["LEARNING_RATE"], trial.bindings["EPOCHS"]) == (2e-4, 1.0)
    assert trial.bindings["runs.finetune.held_out"] == 0.1
    assert trial.needs == "pretrain-electra-s3"
    for seed in (3, 4):
        chosen = found[f"electra-cola-s{seed}"]
        assert list(chosen.trials) == [f"electra-trial{n}-cola-s3" for n in range(4)]
        assert "runs.finetune.held_out" not in chosen.bindings
        assert chosen.bindings["runs.finetune.choice"]["trials"] == 4
        assert chosen.needs == f"pretrain-electra-s{seed}"
    order = list(found)
    for cell in found.values():
        assert all(order.index(w) < order.index(cell.cell_id) for w in cell.waits_for)
    assert len({cell.run_dir for cell in found.values()}) == len(found)


def test_the_values_of_the_best_trial_are_taken():
    chosen = cells()["untrained-cola-s4"]
    trials = "untrained-trial0-cola-s3 to untrained-trial3-cola-s3"
    assert f"EPOCHS=<the best of {trials}>" in shown(chosen.arguments("s"))
    scores = [60.0, None, 62.0, 62.0]
    records = {
        name: run_record(name, "cola", 3, score)
        for name, score in zip(chosen.trials, scores, strict=True)
    }
    found = chosen.found(records)
    assert found == {"LEARNING_RATE": 2e-4, "EPOCHS": 1.0}
    assert "LEARNING_RATE = 0.0002" in chosen.overrides(found)


def test_the_lowest_is_the_best_where_lower_is_better():
    records = {
        name: run_record(name, "lm", 0, score, result={"higher_is_better": False})
        for name, score in (("a", 3.0), ("b", 2.0), ("c", 2.5))
    }
    assert best(records) == "b"
    with pytest.raises(ValueError, match="no score to choose by: all of a, b lack"):
        best({n: run_record(n, "lm", 0, None, result={"floor": None}) for n in "ab"})


def test_an_undefined_score_counts_as_the_floor():
    records = {
        name: run_record(name, "sts", 0, score, result={"floor": 50.0})
        for name, score in (("a", 40.0), ("b", None), ("c", None))
    }
    assert best(records) == "b"


def test_whole_numbers_lie_between_whole_numbers():
    search = {"runs.finetune.batch_size": {"low": 8, "high": 64, "log": True}}
    found = cells(search=search, trials=10)
    sizes = [c.bindings.get("runs.finetune.batch_size") for c in found.values()]
    drawn = [size for size in sizes if size is not None]
    assert all(isinstance(size, int) and 8 <= size <= 64 for size in drawn)


def test_draws_are_within_their_range_and_the_same_every_time():
    search = {
        "LEARNING_RATE": {"low": 1e-5, "high": 1e-3, "log": True},
        "runs.finetune.batch_size": [16, 32],
    }
    found = cells(search=search, trials=20)
    tried = [c.bindings for name, c in found.items() if "electra-trial" in name]
    rates = [bindings["LEARNING_RATE"] for bindings in tried]
    assert len(rates) == 20 and all(1e-5 <= rate <= 1e-3 for rate in rates)
    assert 5 < sum(math.log10(rate) < -4 for rate in rates) < 15
    assert {b["runs.finetune.batch_size"] for b in tried} == {16, 32}
    assert cells(search=search, trials=20) == found
    assert cells(search=search, trials=20, search_seed=1) != found


def test_protocols_search_apart():
    found = cells(protocols=("fixed", "code_v1"), seeds=(0,))
    chosen = found["electra-cola-s0-code_v1"]
    assert list(chosen.trials)[0] == "electra-trial0-cola-s0-code_v1"
    assert len({cell.run_dir for cell in found.values()}) == len(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {}}, "there is nothing to choose"),
        ({"search": {"EPOCHS": 3.0}}, "'EPOCHS': expected a list of values or a range"),
        ({"search": {"EPOCHS": []}}, "expected a list of values or a range, got"),
        ({"search": {"EPOCHS": {"low": 1}}}, "a range is {'low'"),
        ({"search": {"EPOCHS": {"low": 1, "high": 2}}}, "give suites.search.trials"),
        (
            {"search": {"EPOCHS": {"low": 0, "high": 2, "log": True}}, "trials": 2},
            "no range from 0 to 2",
        ),
        ({"trials": 0}, "trials must be at least 1, got 0"),
        ({"held_out": 1.0}, "held_out must lie between 0 and 1, got 1.0"),
    ],
)
def test_what_is_no_search(changes, message):
    with pytest.raises(ValueError, match=message):
        cells(**changes)
