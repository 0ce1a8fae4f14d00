"""What is suggested for a misspelt name."""

from electra_bench.system.near_names import did_you_mean, near_and_all, near_names

TASKS = ("cola", "chunk", "rte", "sts", "sst")


def test_the_nearest_name_comes_first_and_few_are_named():
    assert near_names("colla", TASKS) == ["cola"]
    assert near_names("sst2", iter(TASKS))[0] == "sst"
    assert len(near_names("aaa", [f"aaa{i}" for i in range(9)])) == 3


def test_what_is_not_near_is_not_named():
    assert near_names("squad", TASKS) == []
    assert did_you_mean("squad", TASKS) == ""
    assert near_and_all("squad", {"rte": 1}) == "near: []; all: ['rte']"


def test_all_names_are_listed_beside_the_near_ones():
    assert near_and_all("rt", ("rte", "cola")) == "near: ['rte']; all: ['rte', 'cola']"
    assert did_you_mean("rt", TASKS) == "did you mean rte? "
