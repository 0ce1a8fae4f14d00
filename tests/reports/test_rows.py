"""A row is one recipe: what differs makes another row, or is marked."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from run_records import run_record, save_records

from electra_bench.protocols.protocol import protocol_fields
from electra_bench.records import RunRecord
from electra_bench.reports.collect.records import Records, collect
from electra_bench.reports.compare.comparison import compare
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.learning_curve import learning_curve
from electra_bench.reports.render.write import build_table
from electra_bench.reports.seed_variance import seed_variance
from electra_bench.reports.statistics.aggregate import by_label

LR = "training.adamw.peak_lr"
EPOCHS = "runs.finetune.epochs"


def run(task="cola", seed=0, score=70.0, **changes):
    """A fine-tuning run of the label `m`; `hparams` are added to the usual ones."""
    hparams = {LR: 1e-4, EPOCHS: None, "runs.finetune.seed": seed}
    hparams |= changes.pop("hparams", {})
    number = next(run.numbers)
    fields = {"run_id": f"m-{task}-{number}", "protocol": "fixed", **changes}
    return run_record("m", task, seed, score, hparams=hparams, **fields)


run.numbers = iter(range(10**6))


def table_of(*records):
    table = leaderboard()(Records.of(records))
    names = [table.cell(row, "model") for row in table.rows]
    assert len(set(names)) == len(names)
    return table, dict(zip(names, table.rows, strict=True))


def counts(*records, task="cola"):
    """Names of rows to the number of runs on a task."""
    table, rows = table_of(*records)
    return {name: table.cell(row, task).count for name, row in rows.items()}


def pretrained(steps, number, seed=0, **changes):
    """A pre-training of the default label."""
    fields = {
        "hparams": {"runs.pretrain.train_steps": steps, "runs.pretrain.seed": seed},
        "recipe": f"recipe of {steps}",
        "seed": seed,
        "objective": "electra",
    }
    kind = changes.pop("kind", "pretrain")
    return RunRecord(f"p{number}", "m", kind, "done", **(fields | changes))


def test_seeds_of_one_recipe_are_one_row():
    machine = {"runs.finetune.workdir": "elsewhere", "training.loop.keep": 5}
    assert counts(run(), run(seed=1), run(seed=2, hparams=machine)) == {"m": 3}


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ({LR: 1e-4}, {LR: 3e-4}, {"m (lr 1e-4)", "m (lr 3e-4)"}),
        ({EPOCHS: None}, {EPOCHS: 3.0}, {"m", "m (3 epochs)"}),
        ({"training.adamw.clip_norm": 1.0}, {"training.adamw.clip_norm": 0.0}, None),
        ({"kinds.classification.head_dropout": 0.1},) * 2 + ({"m"},),
        # Of a plugin that is not here; and its folders, by their names.
        (
            {"models.gone.size": 3},
            {"models.gone.size": 4},
            {"m (size 3)", "m (size 4)"},
        ),
        ({"models.gone.workdir": "a"}, {"models.gone.workdir": "b"}, {"m"}),
    ],
)
def test_another_setting_makes_another_row_that_says_it(one, other, names):
    found = counts(run(hparams=one), run(seed=1, hparams=other))
    assert set(found) == (names or {"m (clip_norm 1)", "m (clip_norm 0)"})


def test_the_example_of_100_and_100000_steps():
    """It was one row, 75.0 (+-15.0, n=3)."""
    records = [
        *(pretrained(steps, steps, params=14_000_000) for steps in (100, 100_000)),
        run(score=60.0, parent_run_id="p100"),
        run(seed=1, score=75.0, parent_run_id="p100000"),
        run(seed=2, score=90.0, parent_run_id="p100000"),
    ]
    assert counts(*records) == {"m (100,000 steps)": 2, "m (100 steps)": 1}
    table, _ = table_of(*records)
    told = (
        "Runs of m make 2 rows: they differ in pre-training: runs.pretrain.train_steps."
    )
    assert told in table.notes
    # Where the pre-trainings are elsewhere, runs say of which recipe they were.
    alone = [
        run(seed=s, parent_run_id=f"p{s}", parent_recipe=f"{s % 2}" * 64)
        for s in range(3)
    ]
    assert counts(*alone) == {"m (start 00000000)": 2, "m (start 11111111)": 1}


def test_seeds_of_one_pretraining_recipe_are_one_row():
    records = [
        *(pretrained(100, seed, seed=seed) for seed in range(3)),
        *(run(seed=s, pretrain_seed=s, parent_run_id=f"p{s}") for s in range(3)),
    ]
    assert counts(*records) == {"m": 3}


def test_models_of_other_sizes_say_their_sizes():
    records = [run(params=13_549_568), run(seed=1, params=108_891_648)]
    assert set(counts(*records)) == {"m (13.5M parameters)", "m (109M parameters)"}


def test_other_training_files_make_another_row():
    def trained(sha, **changes):
        return run(train_data_sha256={"cola train": sha * 64}, **changes)

    records = [trained("a"), trained("b", seed=1), trained("b", seed=2), run("rte")]
    assert counts(*records) == {
        "m (data of cola train bbbbbbbb)": 2,
        "m (data of cola train aaaaaaaa)": 1,
    }
    # Runs on other tasks go with the larger part.
    table, rows = table_of(*records)
    assert table.cell(rows["m (data of cola train bbbbbbbb)"], "mean") == 70.0
    assert table.cell(rows["m (data of cola train aaaaaaaa)"], "mean") is None


def test_a_row_may_have_other_settings_on_other_tasks_and_says_so():
    records = [
        run("cola", hparams={LR: 1e-4}),
        run("rte", hparams={LR: 3e-4, EPOCHS: 10.0}),
    ]
    table, rows = table_of(*records)
    assert table.cell(rows["m"], "mean") == 70.0
    assert f"m: {LR} is 1e-4 on cola; 3e-4 on rte." in table.notes
    assert f"m: {EPOCHS} is as usual on cola; 10 on rte." in table.notes
    # Not inside one cell.
    more = run("cola", seed=1, hparams={LR: 3e-4})
    assert counts(*records, more) == {"m (lr 3e-4)": 1, "m (lr 1e-4)": 1}


def test_values_that_a_protocol_allows_are_rows_beside_one_that_it_does_not():
    allowed = [1e-4, 3e-4]
    changed = {"protocol": "fixed*", "protocol_changes": {LR: [allowed, 0.1]}}
    records = [run(hparams={LR: lr}) for lr in allowed]
    records.append(run(hparams={LR: 0.1}, **changed))
    assert counts(*records) == {"m (lr 1e-4)": 1, "m (lr 3e-4)": 1, "m (lr 0.1)": 1}
    [note] = [
        note for note in table_of(*records)[0].notes if "the protocol has" in note
    ]
    assert (
        note == f"m (lr 0.1), fixed*: {LR} is 0.1, the protocol has 0.0001 or 0.0003."
    )


def test_objectives_and_earlier_tasks_tell_recipes_apart():
    earlier = [pretrained(100, kind, objective=kind) for kind in ("electra", "mlm")]
    runs = [
        run(seed=s, parent_run_id=f"p{o}") for s, o in enumerate(("electra", "mlm"))
    ]
    assert set(counts(*earlier, *runs)) == {"m (electra)", "m (mlm)"}
    of_task = [
        pretrained(0, task, kind="finetune", hparams={"runs.finetune.task": task})
        for task in ("mnli", "qqp")
    ]
    runs = [run(seed=s, parent_run_id=f"p{t}") for s, t in enumerate(("mnli", "qqp"))]
    found = leaderboard(tasks=("cola",))(Records.of([*of_task, *runs]))
    names = {found.cell(row, "model") for row in found.rows}
    assert names == {"m (earlier task mnli)", "m (earlier task qqp)"}


def test_a_run_on_several_tasks_is_no_seed_of_a_run_on_one():
    both = {
        "objective": "multi_task",
        "hparams": {"runs.finetune.task": ["cola", "rte"]},
    }
    one = run("cola")
    joint = run("cola", seed=1, **both)
    assert counts(one, joint) == {"m": 1, "m (trained on cola)": 1}


def test_a_parameter_that_older_runs_do_not_know_divides_nothing():
    newer = run(seed=1, hparams={"training.adamw.new": 7})
    assert counts(run(), newer) == {"m": 2}


def test_the_order_of_records_does_not_matter():
    records = [
        run(seed=s, hparams={LR: [1e-4, 3e-4, 5e-4][s % 3], EPOCHS: [2.0, 3.0][s % 2]})
        for s in range(12)
    ]
    assert counts(*records) == counts(*reversed(records))
    assert len(counts(*records)) == 6


def test_numbers_are_those_of_the_runs_of_one_recipe():
    """Computed again from the parameters alone."""
    random = np.random.default_rng(0)
    records, expected = [], defaultdict(list)
    for seed in range(40):
        lr, steps = random.choice([1e-4, 3e-4]), int(random.choice([10, 20, 30]))
        score = float(random.normal(70, 5))
        expected[lr, steps].append(score)
        key = "training.adamw.warmup_steps"
        records.append(run(seed=seed, score=score, hparams={LR: float(lr), key: steps}))
    table, rows = table_of(*records)
    for (lr, steps), scores in expected.items():
        name = f"m (lr {lr * 1e4:.0f}e-4, warmup_steps {steps})"
        cell = table.cell(rows.pop(name), "cola")
        assert (cell.value, cell.count) == (pytest.approx(np.mean(scores)), len(scores))
    assert not rows


def test_a_learning_curve_is_a_line_a_recipe():
    records = [
        run(seed=s, score=60.0 + s, hparams={LR: lr}, pretrain_fraction=fraction)
        for s, lr in enumerate((1e-4, 3e-4))
        for fraction in (0.5, 1.0)
    ]
    table = learning_curve("cola")(Records.of(records))
    assert sorted(row[0] for row in table.rows) == ["m (lr 1e-4)", "m (lr 3e-4)"]


def test_other_reports_and_plugins_have_the_same_rows():
    records = [run(seed=s, hparams={LR: lr}) for s in (0, 1) for lr in (1e-4, 3e-4)]
    names = {"m (lr 1e-4)", "m (lr 3e-4)"}
    assert {row[0] for row in seed_variance()(Records.of(records)).rows} == names
    assert {name: len(runs) for name, runs in by_label(records)} == dict.fromkeys(
        names, 2
    )


def test_a_row_can_be_compared_by_its_name(tmp_path):
    records = [run(seed=s, hparams={LR: lr}) for s in (0, 1) for lr in (1e-4, 3e-4)]
    save_records(tmp_path, records)
    names = ("m (lr 1e-4)", "m (lr 3e-4)")
    found = compare(names, [str(tmp_path)])
    assert [len(side.runs) for side in found.sides] == [2, 2]
    with pytest.raises(ValueError, match=r"2 rows .*give one of 'm \(lr 1e-4\)', 'm"):
        compare(("m", "m"), [str(tmp_path)])


def chosen(task="cola", seed=0, lr=1e-4, values=(1e-4, 3e-4), **changes):
    choice = {
        "trials": len(values),
        "on": "0.1 of the training set",
        "values": {"LEARNING_RATE": list(values)},
        "parameters": [LR],
    }
    return run(task, seed, hparams={LR: lr}, choice=choice, **changes)


def test_what_trials_chose_does_not_divide_a_row():
    runs = [chosen(), chosen(seed=1, lr=3e-4), chosen("rte", lr=3e-4)]
    assert counts(*runs) == {"m": 2}
    assert counts(*runs, run(seed=2)) == {"m (best of 2)": 2, "m": 1}
    more = chosen(seed=3, values=(1e-4, 2e-4, 3e-4))
    assert set(counts(*runs, more)) == {"m (best of 2)", "m (best of 3)"}


def test_trials_are_left_out_beside_what_they_chose(tmp_path):
    trials = [
        run(seed=0, score=90.0 + n, hparams={"runs.finetune.held_out": 0.1, LR: n})
        for n in (1, 2)
    ]
    table, rows = table_of(chosen(), *trials)
    assert list(rows) == ["m"] and table.cell(rows["m"], "cola").value == 70.0
    reasons = {item.reason for item in table.left_out}
    assert reasons == {"a trial: it was scored on a part of its training set"}
    assert len(table.left_out) == 2
    assert len(table_of(*trials)[1]) == 2
    save_records(tmp_path, [chosen(), *trials, run(protocol="paper")])
    with pytest.raises(ValueError, match="make 2 rows"):
        compare(("m", "m"), [str(tmp_path)])


def test_a_start_without_a_record_is_no_seed_of_one_with_a_record():
    imported = RunRecord("small", "m", "pretrain", "done", checkpoint_sha256="a" * 64)
    runs = [
        run(parent_run_id="small", parent_recipe="a" * 64),
        run(seed=1, parent_recipe="b" * 64),
    ]
    found = counts(imported, *runs)
    assert found == {"m (start aaaaaaaa)": 1, "m (start bbbbbbbb)": 1}


def test_older_runs_without_their_pretrainings_are_told_apart_by_flops():
    def old(flops, seed, method="paper-v1"):
        fields = {"train_flops": 1e9, "total_flops": flops + 1e9}
        return run(seed=seed, parent_run_id=f"p{seed}", flops_method=method, **fields)

    found = counts(old(1e12, 0), old(1e18, 1), old(1e18, 2))
    assert found == {"m (1e18 FLOPs)": 2, "m (1e12 FLOPs)": 1}
    # Other methods count the same work otherwise.
    assert counts(old(1e18, 0), old(3e18, 1, "graph-v1")) == {"m": 2}


def test_a_run_that_does_not_tell_its_row_is_marked():
    newer = [
        run(seed=s, train_data_sha256={"cola train": sha * 64})
        for s, sha in enumerate("aab")
    ]
    older = [run(seed=3), run("rte")]
    table, rows = table_of(*newer, *older)
    [first, second] = rows.values()
    assert table.cell(first, "cola").count == 3
    assert "1 of unknown data of cola train" in table.cell(first, "cola").marks
    # A row that is another one anyway may have any data.
    more, of_more = table_of(*newer, *older, chosen(seed=4))
    marks = more.cell(of_more["m (best of 2)"], "cola").marks
    assert not [mark for mark in marks if "unknown" in mark]
    # Runs on other tasks have no such data.
    assert not table.cell(second, "cola").marks + table.cell(first, "rte").marks


def test_an_earlier_task_makes_another_recipe():
    task = {"runs.finetune.task": "mnli"}
    earlier = [
        pretrained(100, 0),
        pretrained(0, 1, kind="finetune", hparams=task, parent_run_id="p0"),
    ]
    runs = [run(parent_run_id="p0"), run(seed=1, parent_run_id="p1")]
    found = leaderboard(tasks=("cola",))(Records.of([*earlier, *runs]))
    names = {found.cell(row, "model") for row in found.rows}
    assert names == {"m", "m (1 earlier task)"}


def test_what_trials_chose_may_leave_the_protocol_on_some_tasks():
    key = "training.adamw.weight_decay"

    def searched(task, value, seed=0):
        choice = {
            "trials": 3,
            "on": "0.1 of the training set",
            "values": {key: [0.0, 0.01, 0.1]},
            "parameters": [key],
        }
        changed = {"protocol": "fixed*", "protocol_changes": {key: [0.01, value]}}
        hparams = {key: value}
        kept = {} if value == 0.01 else changed
        return run(task, seed, hparams=hparams, choice=choice, **kept)

    runs = [searched("cola", 0.1), searched("rte", 0.0), searched("mrpc", 0.01)]
    table, rows = table_of(*runs, searched("cola", 0.0, seed=1))
    assert list(rows) == ["m"] and table.cell(rows["m"], "cola").count == 2
    assert table.cell(rows["m"], "protocol") == "fixed*"
    assert f"m, fixed*: {key} is 0.0 or 0.1, as trials chose, the protocol's 0.01." in (
        table.notes
    )
    found = "0.1 (cola), 0 (cola, rte), 0.01 (mrpc)"
    assert (
        f"m: {key} is the best of 3 trials, compared on 0.1 of the training set: "
        f"weight_decay {found}." in table.notes
    )
    # A search that all tasks answer alike.
    table, _ = table_of(chosen(), chosen("rte"))
    assert (
        "m: LEARNING_RATE is the best of 2 trials, compared on 0.1 of the training set: "
        "peak_lr 1e-4." in table.notes
    )


def test_rows_have_names_of_their_own(tmp_path):
    """They are what `compare` takes: it pooled the first two."""
    parts = [run(pretrain_fraction=1.0), run(seed=1, pretrain_fraction=None)]
    assert set(counts(*parts)) == {
        "m after all of pre-training",
        "m pre-trained",
    }
    save_records(tmp_path, parts)
    sides = compare(("m after all", "m pre-trained"), [str(tmp_path)]).sides
    assert [side.runs for side in sides] == [(parts[0].run_id,), (parts[1].run_id,)]
    # What one row is called may be the label of another.
    other = run_record("m (lr 1e-4)", "cola", 0, 60.0, protocol="fixed")
    runs = [run(), run(seed=1, hparams={LR: 3e-4}), other]
    assert set(counts(*runs)) == {"m (lr 1e-4) [1]", "m (lr 1e-4) [2]", "m (lr 3e-4)"}


def test_the_choice_of_the_scored_checkpoint_makes_another_row():
    key = "training.loop.best_metric"

    def best(metric, task="cola", seed=0):
        return run(task, seed, hparams={key: metric})

    found = counts(best(None), best("mcc", seed=1), best("mcc", seed=2))
    assert found == {"m (checkpoint of highest mcc)": 2, "m": 1}
    # Tasks have metrics of their own, and a star of one is that of the row.
    changed = {"protocol": "fixed*", "protocol_changes": {key: [None, "mcc"]}}
    runs = [run(hparams={key: "mcc"}, **changed), best("accuracy", "rte")]
    table, rows = table_of(*runs)
    assert list(rows) == ["m"] and table.cell(rows["m"], "mean") == 70.0
    # Intermediate tasks end otherwise, too; in pre-training it is no matter.
    earlier = [
        pretrained(
            0, n, kind="finetune", hparams={"runs.finetune.task": "mnli", key: x}
        )
        for n, x in enumerate((None, "accuracy"))
    ]
    runs = [run(seed=n, parent_run_id=f"p{n}") for n in range(2)]
    table = leaderboard(tasks=("cola",))(Records.of([*earlier, *runs]))
    names = {table.cell(row, "model") for row in table.rows}
    assert names == {"m", "m (earlier task checkpoint of highest accuracy)"}


def test_an_evaluation_is_of_the_row_of_what_it_scored(tmp_path):
    """It was a row "m" of its own, which `compare m` took alone."""
    trained = [chosen(seed=seed, pretrain_fraction=1.0) for seed in range(2)]
    again = [
        run(
            "xquad_de",
            seed=record.seed,
            kind="evaluate",
            parent_run_id=record.run_id,
            run_id=f"{record.run_id}-on-xquad_de",
            hparams={"runs.evaluate.init": f"runs/{record.run_id}"},
        )
        for record in trained
    ]
    # One row without the runs, too, whatever they were evaluated on.
    of_task = {"runs.evaluate.task": "xquad_de"}, {"runs.evaluate.task": "xquad_es"}
    alone = [
        run(hparams["runs.evaluate.task"], kind="evaluate", hparams=hparams)
        for hparams in of_task
    ]
    assert list(table_of(*alone)[1]) == ["m"]
    save_records(tmp_path, [*trained, *again])
    table = build_table(collect([str(tmp_path)]))
    [row] = table.rows
    assert table.cell(row, "model") == "m"
    assert [table.cell(row, name).count for name in ("cola", "xquad_de")] == [2, 2]
    source = table.sources[again[0].run_id]
    assert source.command.split()[1:3] == ["evaluate", f"runs/{trained[0].run_id}"]
    [side, _] = compare(("m", "m"), [str(tmp_path)]).sides
    assert len(side.runs) == 4
    save_records(tmp_path / "more", [run(seed=2, pretrain_fraction=1.0)])
    with pytest.raises(ValueError, match=r"one of 'm \(best of 2\)', 'm \(as usual\)'"):
        compare(("m", "m (best of 2)"), [str(tmp_path)])
    sides = compare(("m (as usual)", "m (best of 2)"), [str(tmp_path)]).sides
    assert [len(side.runs) for side in sides] == [1, 4]


def test_runs_that_differ_in_code_are_marked_wherever_their_score_is():
    """Rows that are not shown had no mark, nor had other reports."""
    odd = [run(seed=s, score=40.0, code_sha256=str(s)) for s in range(2)]
    first = [run_record("best", "cola", s, 80.0, protocol="fixed") for s in range(2)]
    table = leaderboard(max_rows=1)(Records.of([*first, *odd]))
    [row] = table.further_rows
    marks = table.cell(row, "cola").marks
    assert [mark for mark in marks if "differ" in mark] == ["runs differ in code"]


def test_a_row_has_the_star_of_its_pre_training():
    key = "objectives.electra.temperature"
    hot = pretrained(100, 1, protocol="code_v1*", protocol_changes={key: [1.0, 2.0]})
    hot = replace(hot, hparams={**hot.hparams, key: 2.0})
    usual = pretrained(100, 2, seed=1, protocol="code_v1")
    usual = replace(usual, hparams={**usual.hparams, key: 1.0})
    runs = [
        run(
            seed=seed,
            score=score,
            parent_run_id=start.run_id,
            **protocol_fields("code_v1", "finetune", {}, start),
        )
        for start, score in ((hot, 70.0), (usual, 60.0))
        for seed in range(2)
    ]
    table, rows = table_of(hot, usual, *runs)
    found = {table.cell(row, "protocol"): row for row in rows.values()}
    assert {name: table.cell(row, "cola").value for name, row in found.items()} == {
        "code_v1*": 70.0,
        "code_v1": 60.0,
    }
    [note] = [note for note in table.notes if "temperature" in note]
    assert "pre-training: objectives.electra.temperature" in note and "2.0" in note


@pytest.mark.parametrize(("one", "other"), [(3, 3.0), ([1, 2], [1.0, 2.0])])
def test_a_number_is_the_same_as_it_is_written(one, other):
    records = [
        run(seed=seed, hparams={EPOCHS: value})
        for seed, value in enumerate([one, other, one])
    ]
    assert list(counts(*records).values()) == [3]
    table, _ = table_of(*records)
    assert not any("epochs" in note for note in table.notes)
    more = [*records, run(seed=3, hparams={EPOCHS: 10.0})]
    assert sorted(counts(*more).values()) == [1, 3]
