import statistics

import numpy as np
import pytest
from run_records import run_record, task_result

from electra_bench.registry import reports
from electra_bench.reports.collect.records import Records
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.render.files import to_csv
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.latex import to_latex
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.table import LeftOut, Score


def build(records, **options):
    return leaderboard(**options)(records)


def rows_of(table):
    return {table.cell(row, table.label): row for row in table.rows}


@pytest.fixture
def board():
    """Two models, two tasks, five seeds; and their scores."""
    draws = np.random.default_rng(0).normal(70.0, 3.0, size=(2, 2, 5))
    records = [
        run_record(label, task, seed, float(draws[i, j, seed]))
        for i, label in enumerate(("small", "large"))
        for j, task in enumerate(("cola", "rte"))
        for seed in range(5)
    ]
    return records, draws


def test_is_registered():
    assert "leaderboard" in reports.names()
    assert reports.get("leaderboard")()([run_record("a", "cola", 0, 1.0)]).rows


def test_numbers_are_those_of_an_independent_computation(board):
    records, draws = board
    table = build(records)
    rows = rows_of(table)
    means = {}
    for i, label in enumerate(("small", "large")):
        for j, task in enumerate(("cola", "rte")):
            score = table.cell(rows[label], task)
            assert score.value == pytest.approx(statistics.mean(draws[i, j]))
            assert score.median == statistics.median(draws[i, j])
            assert score.sd == pytest.approx(statistics.stdev(draws[i, j]))
            assert (score.low, score.high) == (draws[i, j].min(), draws[i, j].max())
            assert score.count == 5
        means[label] = statistics.mean(statistics.mean(d) for d in draws[i])
        assert table.cell(rows[label], "mean") == pytest.approx(means[label])
    best = max(means, key=means.get)
    assert table.cell(table.rows[0], "model") == best
    # Without predictions nothing is tested, and nothing has a rank.
    assert [table.cell(row, "rank") for row in table.rows] == [None, None]
    assert table.rank_by == "mean"
    assert set(table.metrics) == {"mean", "cola", "rte"}


def test_the_order_of_records_does_not_matter(board):
    records, _ = board
    shuffled = list(np.random.default_rng(1).permutation(np.array(records, object)))
    first, second = build(records), build(shuffled)
    for row, other in zip(first.rows, second.rows, strict=True):
        for value, same in zip(row, other, strict=True):
            if isinstance(value, Score):
                assert (value.value, value.count) == (same.value, same.count)
            else:
                assert value == same


def test_missing_stays_missing(board):
    records, _ = board
    kept = [r for r in records if (r.label, r.results[0].task) != ("large", "rte")]
    table = build(kept)
    row = rows_of(table)["large"]
    assert table.cell(row, "rte") == Score(None)
    assert table.cell(row, "mean") is None
    assert table.cell(row, "rank") is None
    assert table.rows[-1] == row


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"task_version": 2}, ["cola v1", "cola v2"]),
        ({"split": "test"}, ["cola dev", "cola test"]),
        ({"subset": "first 100"}, ["cola (whole)", "cola (first 100)"]),
        ({"data_sha256": "0123456789"}, ["cola data cola-sha", "cola data 01234567"]),
        ({"data_sha256": None}, ["cola data cola-sha", "cola unknown data"]),
        ({"num_examples": 9}, ["cola n=1000", "cola n=9"]),
    ],
)
def test_what_does_not_compare_has_columns_of_its_own(change, names):
    table = build(
        [
            run_record("a", "cola", 0, 60.0),
            run_record("a", "cola", 1, 70.0, result=change),
        ]
    )
    assert {n for n in table.columns if n.startswith("cola")} == set(names)
    [row] = table.rows
    assert [table.cell(row, name).value for name in names] == [60.0, 70.0]


def test_a_subset_is_marked_even_alone():
    table = build([run_record("a", "cola", 0, 60.0, result={"subset": "first 100"})])
    assert "cola (first 100)" in table.columns


def test_protocols_are_rows_of_their_own():
    changes = [{"a.b": [1, 2]}, {"a.b": [1, 3]}]
    table = build(
        [
            run_record("a", "cola", 0, 60.0),
            run_record("a", "cola", 1, 61.0, protocol="fixed"),
            *(
                run_record("a", "cola", 2 + i, 62.0, protocol_changes=change)
                for i, change in enumerate(changes)
            ),
        ]
    )
    assert len(table.rows) == 4
    protocols = [table.cell(row, "protocol") for row in table.rows]
    assert sorted(protocols) == ["code_v1", "code_v1*", "code_v1*", "fixed"]
    assert len(rows_of(table)) == 3  # "a", "a [1]" and "a [2]"
    assert any("a.b is 3, the protocol's 1" in note for note in table.notes)
    assert any("different protocols" in note for note in table.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ([1, None], "a.b is None, the protocol's 1"),
        ([[1, 2], None], "a.b is None, the protocol has 1 or 2"),
        ([[1, 2], 0], "a.b is 0, the protocol has 1 or 2"),
        ([[], 5], "a.b is 5, the protocol's []"),
    ],
)
def test_a_change_says_what_the_protocol_has(change, said):
    changed = {"protocol": "fixed*", "protocol_changes": {"a.b": change}}
    table = build([run_record("a", "cola", 0, 60.0, **changed)])
    assert any(said in note for note in table.notes)


def of_kind(objective, task, seed=0, **changes):
    return run_record(
        "m", task, seed, 70.0, objective=objective, protocol_changes=changes
    )


MEAN_LOSS = {"kinds.classification.reduction": ["sum", "mean"]}


def test_parameters_of_one_kind_of_task_do_not_divide_a_model():
    records = [
        of_kind("classification", "cola", **MEAN_LOSS),
        of_kind("classification", "rte", **MEAN_LOSS),
        of_kind("span_qa", "squad", **{"kinds.span_qa.beam_size": [20, 5]}),
        of_kind("tagging", "chunk"),
    ]
    table = leaderboard()(records)
    [row] = table.rows
    assert table.cell(row, "mean") == 70.0
    assert table.cell(row, "protocol") == "code_v1*"
    assert (
        "m, code_v1*: kinds.span_qa.beam_size is 5, the protocol's 20." in table.notes
    )


def test_runs_that_differ_in_such_a_parameter_are_rows_of_their_own():
    records = [
        of_kind("classification", "cola"),
        of_kind("classification", "cola", seed=1, **MEAN_LOSS),
        of_kind("tagging", "chunk"),
    ]
    table = leaderboard()(records)
    rows = {table.cell(row, "protocol"): row for row in table.rows}
    assert table.cell(rows["code_v1"], "mean") == 70.0
    assert table.cell(rows["code_v1*"], "cola").count == 1
    assert table.cell(rows["code_v1*"], "chunk").value is None


def test_what_all_kinds_share_divides_a_model():
    records = [
        of_kind("classification", "cola", **{"training.adamw.epsilon": [1e-6, 1e-8]}),
        of_kind("tagging", "chunk"),
    ]
    assert len(leaderboard()(records).rows) == 2


def test_stages_of_pretraining_are_rows_of_their_own():
    table = build(
        [
            run_record("a", "cola", 0, 60.0, pretrain_fraction=0.25),
            run_record("a", "cola", 1, 61.0, pretrain_fraction=1.0),
        ]
    )
    assert set(rows_of(table)) == {
        "a after 0.25 of pre-training",
        "a after all of pre-training",
    }


def test_a_model_without_pretraining_says_so():
    trained = {"train_flops": 1.0, "total_flops": 3.0}
    table = build(
        [
            run_record("a", "cola", 0, 60.0, train_flops=1.0, total_flops=1.0),
            run_record("a", "cola", 1, 61.0, pretrain_fraction=0.25, **trained),
            # Of an imported checkpoint nobody knows.
            run_record("a", "cola", 2, 61.0, **trained),
        ]
    )
    assert set(rows_of(table)) == {
        "a without pre-training",
        "a after 0.25 of pre-training",
        "a pre-trained",
    }


def test_a_repeated_run_counts_once():
    table = build(
        [
            run_record("a", "cola", 0, 60.0),
            run_record("a", "cola", 0, 60.0, run_id="again"),
        ]
    )
    assert table.cell(table.rows[0], "cola").count == 1
    [left_out] = table.left_out
    assert left_out.where == "again"
    assert "repeats a-cola-0" in left_out.reason


def test_contradicting_runs_of_a_seed_are_left_out_and_named():
    table = build(
        [
            run_record("a", "cola", 0, 60.0, precision="float32"),
            run_record("a", "cola", 0, 65.0, run_id="b", precision="bfloat16"),
            run_record("a", "cola", 1, 61.0),
        ]
    )
    assert table.cell(table.rows[0], "cola").runs == (("a-cola-1", 61.0),)
    assert [item.where for item in table.left_out] == ["a-cola-0", "b"]
    assert "60.0" in table.left_out[0].reason
    assert "they differ in precision" in table.left_out[0].reason


def test_other_pretraining_seeds_are_further_runs():
    table = build(
        [
            run_record("a", "cola", 0, 60.0 + p, pretrain_seed=p, run_id=f"p{p}")
            for p in (0, 1)
        ]
    )
    assert table.cell(table.rows[0], "cola").count == 2
    assert table.left_out == ()


def test_runs_without_a_seed_are_all_counted():
    table = build(
        [run_record("a", "cola", None, 60.0, run_id=str(i)) for i in range(3)]
    )
    assert table.cell(table.rows[0], "cola").count == 3


def test_runs_that_are_not_the_same_are_marked_where_no_setting_differs():
    def marks(*same):
        records = [
            run_record("a", "cola", seed, 60.0 + seed, identity_without_seed=one)
            for seed, one in enumerate(same)
        ]
        table = build(records)
        return table.cell(table.rows[0], "cola").marks

    assert marks("x", "x") == marks("x", None) == marks(None, None) == ()
    differ = ("runs differ in data, vocabulary or checkpoint",)
    assert marks("x", "y") == marks("x", "y", None) == differ


LOG_OFTEN, LOG_RARELY = ({"training.loop.log_every": n} for n in (20, 50))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("device", [{"device": "CPU"}, {"device": "GPU"}]),
        ("code", [{"code_sha256": "a"}, {"code_sha256": "b"}]),
        ("training.loop.log_every", [{"hparams": LOG_OFTEN}, {"hparams": LOG_RARELY}]),
        ("precision", [{"precision": "float32"}, {"precision": "bfloat16"}]),
        ("TensorFlow", [{"packages": {"tensorflow": v}} for v in ("2.20", "2.21")]),
    ],
)
def test_seeds_that_were_computed_in_other_ways_are_marked(name, changes):
    records = [run_record("a", "cola", s, 60.0 + s, **changes[s]) for s in range(2)]
    table = build(records)
    assert table.cell(table.rows[0], "cola").marks == (f"runs differ in {name}",)


def test_collapsed_runs_are_counted_not_dropped():
    table = build(
        [run_record("a", "cola", s, 60.0 + s, collapsed=s == 0) for s in range(3)]
    )
    [row] = table.rows
    assert table.cell(row, "collapsed") == 1
    assert table.cell(row, "cola").count == 3
    assert "1 collapsed" in table.cell(row, "cola").marks


def test_only_the_cell_that_collapsed_is_marked():
    def run(seed):
        results = (
            task_result("cola", 0.0, floor=0.0),
            task_result("rte", 70.0 + seed),
            task_result("wer", 40.0, floor=30.0, higher_is_better=False),
            task_result("ner", 20.0, floor=30.0, higher_is_better=False),
        )
        return run_record("a", "", seed, 1.0, results=results, collapsed=True)

    table = build([run(0), run(1)])
    [row] = table.rows
    marks = {name: table.cell(row, name).marks for name in table.metrics[1:]}
    collapsed = ("2 collapsed",)
    assert marks == {"cola": collapsed, "ner": (), "rte": (), "wer": collapsed}
    assert table.cell(row, "collapsed") == 2
    assert "collapsed" not in build([run(0)], tasks=("rte",)).columns


def test_where_no_floor_is_known_the_record_says_what_collapsed():
    results = (task_result("cola", 60.0, floor=None), task_result("rte", 70.0))
    table = build([run_record("a", "", 0, 1.0, results=results, collapsed=True)])
    [row] = table.rows
    assert table.cell(row, "cola").marks == ("1 collapsed",)
    assert table.cell(row, "rte").marks == ()


def test_floor_is_a_row_outside_the_ranking():
    records = [
        run_record("a", "cola", 0, 60.0, result={"floor": 0.0}),
        run_record("a", "rte", 0, 55.0, result={"floor": 52.7}),
    ]
    table = build(records)
    floor = table.floor
    assert floor == table.reference_rows[0]
    assert table.cell(floor, "model") == "floor"
    assert table.cell(floor, "cola") == 0.0
    assert table.cell(floor, "mean") == pytest.approx(52.7 / 2)
    unknown = build([*records, run_record("a", "sts", 0, 1.0, result={"floor": None})])
    assert unknown.cell(unknown.floor, "mean") is None


def of_plugin(label, seed, score, floor=None):
    """A run on a task that is not installed, so that no card knows its floor."""
    return run_record(label, "own", seed, score, result={"floor": floor})


def test_without_a_floor_an_undefined_score_leaves_its_cell_empty():
    runs = [of_plugin("a", 0, None), of_plugin("a", 1, 90.0), of_plugin("b", 0, 1.0)]
    table = build(runs)
    row = rows_of(table)["a"]
    cell = table.cell(row, "own")
    assert (cell.value, cell.count, cell.mean) == (None, 0, None)
    assert cell.marks == ("1 undefined, no floor known",)
    # It does not win by its other run.
    assert [table.cell(row, "model") for row in table.rows] == ["b", "a"]
    assert table.cell(row, "rank") is None


def test_an_undefined_score_of_an_old_record_counts_as_the_floor_of_the_card():
    old = {"metrics": {"spearman": None}, "main_metric": "spearman", "floor": None}
    table = build([run_record("a", "sts", 0, None, result=old)])
    cell = table.cell(table.rows[0], "sts")
    assert (cell.value, cell.undefined_as) == (0.0, 0.0)
    other = build([run_record("a", "sts", 0, None, result=old | {"task_version": 9})])
    assert other.cell(other.rows[0], "sts").value is None


def test_a_score_beside_an_undefined_one_is_marked(tmp_path):
    records = [of_plugin("a", s, score, 40.0) for s, score in ((0, None), (1, 60.0))]
    table = build(records)
    cell = table.cell(table.rows[0], "own")
    assert (cell.value, cell.count, cell.low) == (50.0, 2, 40.0)
    assert cell.counted == (40.0, 60.0)
    forms = (
        to_csv(table),
        to_markdown(table),
        to_latex(table),
        to_html(table, str(tmp_path)),
    )
    assert all("1 undefined" in form for form in forms)


def test_tasks_choose_columns_and_their_order(board):
    records, _ = board
    table = build(records, tasks=("rte", "cola"))
    assert table.columns.index("rte") < table.columns.index("cola")
    table = build(records, tasks=("rte", "sts"))
    assert all(table.cell(row, "sts") == Score(None) for row in table.rows)
    assert all(table.cell(row, "mean") is None for row in table.rows)
    with pytest.raises(ValueError, match="near: .*'cola'"):
        build(records, tasks=("colla",))


def test_further_metrics_have_columns_but_no_part_in_the_mean():
    metrics = {"accuracy": 70.0, "f1": 80.0}
    records = [
        run_record("m", "rte", 0, 70.0, result={"metrics": metrics}),
        run_record("m", "cola", 0, 50.0),
    ]
    table = leaderboard(further_metrics={"rte": ["f1"]})(records)
    [row] = table.rows
    assert list(table.tasks) == ["cola", "rte accuracy", "rte f1"]
    assert table.cell(row, "rte f1").value == 80.0
    assert table.cell(row, "mean") == 60.0
    assert "not in the mean" in table.details["rte f1"]
    assert table.cell(table.floor, "rte f1") is None
    with pytest.raises(ValueError, match=r"metric of rte 'recall'.*'accuracy', 'f1'"):
        leaderboard(further_metrics={"rte": ["recall"]})(records)
    # Of another task it is there.
    of_cola = {"metrics": {"mcc": 50.0, "accuracy": 70.0}}
    records[1] = run_record("m", "cola", 0, 50.0, result=of_cola)
    with pytest.raises(ValueError, match=r"metric of rte 'mcc'.*'accuracy', 'f1'"):
        leaderboard(further_metrics={"rte": ["mcc"]})(records)


def test_columns_beside_the_scores_are_chosen():
    records = [run_record("m", "rte", 0, 70.0, params=5)]
    assert leaderboard()(records).columns == (
        *("rank", "model", "protocol", "rte", "params"),
    )
    assert leaderboard(columns=())(records).columns == ("rank", "model", "rte")
    with pytest.raises(ValueError, match=r"columns must be some of protocol.*'size'"):
        leaderboard(columns=["size"])


def test_labels_choose_rows(board):
    records, _ = board
    assert set(rows_of(build(records, labels=("small",)))) == {"small"}
    with pytest.raises(ValueError, match="near: .*'small'"):
        build(records, labels=("smal",))


def test_other_kinds_of_runs_are_no_rows(board):
    records, _ = board
    pretrain = run_record("p", "text", 0, 30.0, kind="pretrain")
    table = build([*records, pretrain])
    assert "p" not in rows_of(table)
    assert "Records of kind pretrain have no row: 1." in table.notes
    with pytest.raises(ValueError, match="no record is of kind finetune"):
        build([pretrain])
    # One that cannot be read may be of this kind.
    damaged = LeftOut("a/record.json", "cannot be read")
    with pytest.raises(
        ValueError,
        match=r"; 1 were left out, the first: a/record.json: cannot be read",
    ):
        build(Records((pretrain,), {}, (damaged,)))


def test_a_run_without_results_is_named():
    table = build(
        [run_record("a", "cola", 0, 1.0), run_record("b", "x", 0, 1.0, results=())]
    )
    assert [item.where for item in table.left_out] == ["b-x-0"]


def test_a_run_may_have_several_tasks():
    results = (task_result("cola", 60.0), task_result("rte", 70.0))
    table = build([run_record("a", "", 0, 1.0, results=results)])
    assert table.cell(table.rows[0], "mean") == 65.0


def test_compute_is_shown_where_it_is_known():
    flops = {"train_flops": 1e12, "total_flops": 5e15, "params": 14_000_000}
    table = build([run_record("a", "cola", s, 60.0, **flops) for s in range(2)])
    [row] = table.rows
    assert table.cell(row, "params") == 14_000_000
    assert table.cell(row, "pretrain FLOPs") == 5e15 - 1e12


def test_marks_of_a_score_are_shown_and_explained():
    marks = {"contaminated": "its training saw the questions"}
    table = build([run_record("a", "cola", 0, 60.0, result={"marks": marks})])
    [row] = table.rows
    assert table.cell(row, "cola").marks == ("contaminated",)
    assert "a, cola: contaminated: its training saw the questions." in table.notes


def test_marks_of_two_splits_of_a_task_are_told_apart():
    results = tuple(
        task_result("mnli", 60.0, split=split, marks={"unseen positions": f"{n} of 9"})
        for split, n in (("dev_matched", 3), ("dev_mismatched", 4))
    )
    seen = {"mnli": "its captions"}
    table = build([run_record("a", "", 0, 1.0, results=results, contaminated=seen)])
    for split, n in (("dev_matched", 3), ("dev_mismatched", 4)):
        assert f"a, mnli {split}: unseen positions: {n} of 9." in table.notes
    # Contaminated is the task.
    found = [note for note in table.notes if "contaminated" in note]
    assert found == ["a, mnli: contaminated: its captions."]
