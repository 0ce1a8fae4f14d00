"""What never shares a column or a mean, and what a table says of it."""

import re
from dataclasses import replace

import pytest
from run_records import run_record, save_records

from electra_bench.records import PublishedMean
from electra_bench.registry import tasks as task_cards
from electra_bench.reports.board import references
from electra_bench.reports.board.cells import ColumnKey
from electra_bench.reports.collect.records import collect
from electra_bench.reports.leaderboard import leaderboard
from electra_bench.reports.render.html import to_html
from electra_bench.reports.render.markdown import to_markdown
from electra_bench.reports.render.write import build_table
from electra_bench.tasks.cards import published


def of_card(name, label="a", seed=0, score=60.0, split=None, **changes):
    """A record as a run on an installed task leaves it."""
    card = task_cards.get(name)
    result = {
        "task_version": card.version,
        "split": split or card.eval_split,
        "metrics": {card.main_metric: score},
        "main_metric": card.main_metric,
    }
    return run_record(label, name, seed, score, result=result | changes)


@pytest.fixture
def newer_cola(monkeypatch):
    """CoLA as if its card had become version 2."""
    card = replace(task_cards.get("cola"), version=2)
    get = task_cards.get
    monkeypatch.setattr(task_cards, "get", lambda n: card if n == "cola" else get(n))


def test_a_bumped_task_greys_its_runs_and_lists_what_to_repeat(newer_cola, tmp_path):
    records = [
        of_card("cola", "a", task_version=1),
        of_card("cola", "b", task_version=2),
        of_card("rte", "a"),
        of_card("rte", "b"),
    ]
    save_records(tmp_path / "runs", records)
    table = build_table(collect([str(tmp_path / "runs")]))
    rows = {table.cell(row, "model"): row for row in table.rows}
    assert table.cell(rows["a"], "cola v1").stale
    assert "old version 1" in table.cell(rows["a"], "cola v1").marks
    assert not table.cell(rows["b"], "cola v2").stale
    # An old score takes no part in the mean, so the row has none.
    assert table.cell(rows["a"], "mean") is None
    assert table.cell(rows["b"], "mean") == 60.0
    assert "outdated: the task is at version 2" in table.details["cola v1"]
    assert table.repeat == ("a-cola-0",)
    command = f"electra-bench finetune {tmp_path}/runs/000/config.gin --overwrite"
    for text in (to_markdown(table).replace("\\", ""), to_html(table, str(tmp_path))):
        assert command in text[text.index("o repeat") :]
    assert 'class=" stale"' in to_html(table, str(tmp_path))


def test_a_run_without_its_configuration_is_repeated_by_the_copy(tmp_path, capsys):
    save_records(tmp_path / "runs", [of_card("cola", "a")])
    config = tmp_path / "runs/000/config.gin"
    config.rename(config.with_name(".config.gin"))
    table = build_table(collect([str(tmp_path / "runs")]))
    command = f"electra-bench finetune {tmp_path}/runs/000/.config.gin --workdir"
    assert command in to_html(table, str(tmp_path))
    assert f"warning: {config} is missing; the command" in capsys.readouterr().err


def test_a_mean_leads_to_runs_that_it_counts(newer_cola, tmp_path):
    records = [of_card("cola", task_version=1), of_card("rte"), of_card("mrpc")]
    table = build_table(collect([str(p) for p in save_records(tmp_path, records)]))
    assert table.columns.index("cola") < table.columns.index("rte")
    runs = [run for run, _ in table.behind(0)["mean"]]
    assert sorted(runs) == ["a-mrpc-0", "a-rte-0"]
    page = to_html(table, str(tmp_path))
    [link] = re.findall(
        r'<a class="score" href="#([^"]*)"><span[^>]*>60.0</span></a></td>', page
    )
    assert "<h3>a: mean</h3>" in page.partition(f'<section id="{link}">')[2][:50]


def test_a_table_of_old_runs_only_has_no_ranking(newer_cola):
    table = leaderboard()([of_card("cola", task_version=1)])
    assert table.rank_by is None
    assert table.cell(table.rows[0], "cola").stale


def test_of_two_versions_the_newer_counts_where_no_task_is_installed():
    records = [
        run_record("a", "unheard_of", 0, 50.0, result={"task_version": 1}),
        run_record("b", "unheard_of", 0, 60.0, result={"task_version": 2}),
        of_card("rte", "a"),
        of_card("rte", "b"),
    ]
    table = leaderboard()(records)
    rows = {table.cell(row, "model"): row for row in table.rows}
    assert table.cell(rows["a"], "unheard_of v1").stale
    assert table.repeat == ("a-unheard_of-0",)
    assert table.cell(rows["b"], "mean") == 60.0


def test_one_run_on_a_part_takes_nobody_the_mean():
    records = [
        of_card("cola", label, score=score)
        for label, score in (("a", 80.0), ("b", 70.0), ("c", 60.0))
    ]
    records += [of_card("rte", label, score=50.0) for label in "abc"]
    part = of_card("rte", "a", seed=1, score=99.0, subset="first 50", num_examples=50)
    table = leaderboard()([*records, part])
    assert [table.cell(row, "mean") for row in table.rows] == [65.0, 60.0, 55.0]
    assert "not in the mean" in table.details["rte (first 50)"]
    assert any(
        "one column a task" in note and note.endswith("not rte (first 50).")
        for note in table.notes
    )


def test_a_row_without_a_mean_says_what_it_lacks():
    table = leaderboard()(
        [of_card("cola", "a"), of_card("rte", "a"), of_card("rte", "b")]
    )
    assert "Without a mean, and so without a rank: b lacks cola." in table.notes
    table = leaderboard()([of_card("cola", "a"), of_card("rte", "a")])
    assert not any("Without a mean" in note for note in table.notes)
    many = [of_card("rte", f"b{number}") for number in range(10)]
    [note] = [
        note
        for note in leaderboard()([of_card("cola", "a"), *many]).notes
        if "Without a mean" in note
    ]
    assert note.count("lacks") == 8
    assert note.endswith("; and 3 more.")


def test_columns_stand_as_papers_have_them():
    names = ("chunk", "unheard_of", "squad", "wnli", "rte", "mrpc", "cola", "another")
    records = [
        run_record("a", n, 0, 50.0) if "an" in n or n[:2] == "un" else of_card(n)
        for n in names
    ]
    assert list(leaderboard()(records).tasks) == [
        *("cola", "mrpc", "rte", "wnli", "squad", "chunk", "another", "unheard_of")
    ]


def test_a_split_that_is_scored_beside_does_not_count_twice():
    records = [
        of_card("mnli", split=split, score=score)
        for split, score in (("dev_matched", 80.0), ("dev_mismatched", 82.0))
    ]
    both = replace(records[0], results=(*records[0].results, *records[1].results))
    table = leaderboard()([both, of_card("rte", score=60.0)])
    assert table.cell(table.rows[0], "mean") == 70.0
    assert "not in the mean" in table.details["mnli dev_mismatched"]


def published_in(table, label):
    [row] = [r for r in table.reference_rows if table.cell(r, "model") == label]
    return row


README = "google-research/electra README, expected results"


def test_published_scores_stand_below_with_source_split_and_protocol():
    table = leaderboard()([of_card("cola"), of_card("mnli")])
    row = published_in(table, f"ELECTRA-Small ({README}, dev)")
    assert [table.cell(row, name) for name in ("cola", "mnli")] == [57.0, 81.3]
    details = dict(
        zip(
            [table.cell(r, "model") for r in table.reference_rows],
            table.reference_details,
            strict=True,
        )
    )
    assert "median" in details[f"ELECTRA-Small ({README}, dev)"]
    assert not any("test" in name for name in details)
    assert table.cell(table.rows[0], "model") == "a"
    text = to_markdown(table).replace("\\", "")
    assert "released models (Small++, Base++, Large of 1.75M steps), median of" in text


@pytest.mark.parametrize(
    "change",
    [
        {"split": "test"},
        {"subset": "400 of 1043"},
        {"task_version": 9},
        {"main_metric": "accuracy", "metrics": {"accuracy": 70.0}},
    ],
)
def test_published_scores_of_something_else_are_not_shown(change):
    table = leaderboard(references=("ELECTRA-Base",))([of_card("cola", **change)])
    labels = [table.cell(row, "model") for row in table.reference_rows]
    assert not any("README" in label for label in labels)


def test_published_models_are_chosen_by_name():
    table = leaderboard(references=("XLNet",))([of_card("cola")])
    [_, xlnet] = table.reference_rows
    assert table.cell(xlnet, "cola") == 69.0
    assert len(leaderboard(references=None)([of_card("cola")]).reference_rows) > 10
    assert len(leaderboard(references=())([of_card("cola")]).reference_rows) == 1


def test_the_readmes_squad_2_score_of_base_says_whose_it_is():
    table = leaderboard()([of_card("squad")])
    labels = [table.cell(row, "model") for row in table.reference_rows]
    place = labels.index(f"ELECTRA-Base ({README}, dev)")
    assert table.cell(table.reference_rows[place], "squad") == 80.5
    assert "the released one, Base++, gives 82.6" in table.reference_details[place]
    released = published_in(
        table, "ELECTRA-Base++ (google-research/electra issue 33, dev)"
    )
    assert table.cell(released, "squad") == 82.6


def test_scores_of_two_models_have_no_mean():
    table = leaderboard()([of_card("squad"), of_card("rte")])
    of_base = published_in(table, f"ELECTRA-Base ({README}, dev)")
    assert table.cell(of_base, "mean") is None
    small = published_in(table, f"ELECTRA-Small ({README}, dev)")
    assert table.cell(small, "mean") == pytest.approx((70.1 + 66.7) / 2)
    labels = [table.cell(row, "model") for row in table.reference_rows]
    about = table.reference_details[labels.index(f"ELECTRA-Small ({README}, dev)")]
    assert "its mean is of these scores, not published" in about


def columns(tasks, split="dev", subset=None):
    return [
        ColumnKey(t, 1, f"{split}_matched" if t == "mnli" else split, subset)
        for t in tasks
    ]


def test_glues_average_has_a_column_beside_other_tasks():
    scores = {name: 50.0 + i for i, name in enumerate(published.GLUE_ORDER)}
    scores |= {"wnli": 40.0, "chunk": 90.0}
    records = [of_card(name, score=score) for name, score in scores.items()]
    table = leaderboard(references=("ELECTRA-Base",))(records)
    assert table.columns[3:5] == ("mean", "GLUE")
    [row] = table.rows
    assert table.cell(row, "GLUE") == pytest.approx(53.5)
    assert table.cell(row, "mean") == pytest.approx(sum(scores.values()) / 10)
    assert table.details["GLUE"].startswith("GLUE dev average of the ELECTRA paper")
    paper = published_in(
        table, "ELECTRA-Base (Clark et al. 2020 (ELECTRA), table 1, dev)"
    )
    assert table.cell(paper, "GLUE") == 85.1
    assert table.cell(paper, "mean") is None
    # Without the other tasks the mean is that average, and the only one.
    eight = leaderboard()(records[:8])
    assert "GLUE" not in eight.columns
    assert eight.details["mean"].startswith("GLUE dev average of the ELECTRA paper")
    assert "GLUE" not in leaderboard()(records[1:]).columns


def test_the_glue_averages_are_told_apart():
    eight, nine = published.GLUE_ORDER, (*published.GLUE_ORDER, "wnli")

    def name(*arguments):
        mean = references.published_mean(columns(*arguments))
        return mean.name if mean else None

    assert "dev average" in name(eight)
    assert "test average" in name(eight, "test")
    assert "not the average of the ELECTRA paper" in name(nine)
    assert "leaderboard" in name(nine, "test")
    assert name(eight[:7]) is name(eight, "dev", "first 100") is None


def test_published_means_stand_only_below_the_mean_that_they_are_of():
    eight = [of_card(task) for task in published.GLUE_ORDER]
    table = leaderboard(references=None)(eight)
    row = published_in(table, "BERT-Small (Clark et al. 2020 (ELECTRA), table 1, dev)")
    assert table.cell(row, "mean") == 75.1
    assert table.cell(row, "cola") is None
    assert "eight tasks, without WNLI" in table.details["mean"]
    with_wnli = leaderboard(references=None)([*eight, of_card("wnli")])
    row = published_in(
        with_wnli, "BERT-Small (Clark et al. 2020 (ELECTRA), table 1, dev)"
    )
    assert with_wnli.cell(row, "mean") is None
    assert with_wnli.cell(row, "GLUE") == 75.1
    assert "with WNLI: not the average" in with_wnli.details["mean"]


@pytest.mark.parametrize("mean", published.MEANS, ids=lambda mean: mean.name)
def test_published_means_are_those_of_the_published_scores(mean: PublishedMean):
    """Where a table prints both, the mean agrees with the row to rounding."""
    for reference in mean.scores:
        row = [
            one.score
            for task in sorted(mean.tasks - {"wnli"})
            for one in task_cards.get(task).references
            if (one.model, one.source) == (reference.model, reference.source)
        ]
        if len(row) == len(mean.tasks):
            # Table 2's mean of RoBERTa-500K is 0.06 off its row; rows are rounded.
            assert sum(row) / len(row) == pytest.approx(reference.score, abs=0.11)


def test_a_contaminated_model_is_marked_by_its_record():
    record = replace(of_card("squad"), contaminated={"squad": "its text was seen"})
    table = leaderboard()([record])
    assert table.cell(table.rows[0], "squad").marks == ("contaminated",)
    assert "a, squad: contaminated: its text was seen." in table.notes


def test_rows_with_different_protocols_are_named():
    records = [of_card("cola"), replace(of_card("cola", "b"), protocol="fixed")]
    table = leaderboard()(records)
    assert "Rows follow different protocols: code_v1, fixed." in table.notes
