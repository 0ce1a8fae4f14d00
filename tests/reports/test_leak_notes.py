"""What a table says of examples that models have seen before."""

from run_records import run_record

from electra_bench.records.leaks import InPretraining, InTraining
from electra_bench.reports.leaderboard import leaderboard

CLEAN = {"in_training": InTraining(1000), "in_pretraining": InPretraining(1000)}


def table(*records):
    return leaderboard(replicates=100)([*records])


def record(label, seed, task="cola", **result):
    return run_record(label, task, seed, 80.0, result=CLEAN | result)


def test_scores_with_and_without_what_was_seen():
    def seen(clean):
        before = InPretraining(
            1000, 300, 20, 0, ("mine",), "", dirty_score=95.0, clean_score=clean
        )
        marks = {"contaminated": "300 of 1,000 examples are in text"}
        return {"in_pretraining": before, "marks": marks}

    few = InTraining(1000, exact=9, dirty_score=100.0, clean_score=70.0)
    found = table(
        record("a", 0, **seen(70.0)),
        record("a", 1, **seen(72.0)),
        record("b", 0, in_training=few),
    )
    notes = [note for note in found.notes if "on the others" in note]
    assert notes == [
        "a, cola: 95.0 on the examples that it has seen in text before, 71.0 on the "
        "others (means over runs)."
    ]
    assert "a, cola: contaminated: 300 of 1,000 examples are in text." in found.notes
    [a, b] = sorted(found.rows, key=lambda row: found.cell(row, "model"))
    assert found.cell(a, "cola").marks == ("contaminated",)
    assert found.cell(b, "cola").marks == ()


def test_what_was_not_looked_up_is_counted():
    gone = {"in_pretraining": InPretraining(1000, not_checked="mine is not there")}
    found = table(
        record("a", 0, **gone),
        record("a", 1, **gone),
        record("b", 0),
        run_record("c", "cola", 0, 60.0),
        run_record("d", "cola", 0, 60.0, result={"in_training": InTraining(1000)}),
    )
    [note] = [note for note in found.notes if "have seen scored examples" in note]
    assert note == (
        "Whether models have seen scored examples before is not known of 4 of 5 scores: "
        "mine is not there (2); their records do not say (2)."
    )
    assert not [n for n in table(record("b", 0)).notes if "have seen scored" in n]


def test_shared_texts_and_marks_of_all_rows_are_said_once():
    seen = {
        "in_training": InTraining(1000, exact=20, shared=400),
        "marks": {"seen in train": "of 1,000 examples 20"},
    }
    found = table(record("a", 0, **seen), record("b", 0, **seen))
    [note] = [note for note in found.notes if "longest text" in note]
    assert note.endswith("a paragraph with another question: cola (400 of 1,000).")
    assert "all rows, cola: seen in train: of 1,000 examples 20." in found.notes
    assert not [n for n in found.notes if n.startswith(("a, cola", "b, cola"))]


def test_few_shared_texts_are_not_worth_a_note():
    for shared, count in ((10, 0), (11, 1)):
        found = table(record("a", 0, in_training=InTraining(1000, shared=shared)))
        assert len([note for note in found.notes if "longest text" in note]) == count


def test_of_many_cells_some_are_named():
    seen = InTraining(1000, exact=500, dirty_score=90.0, clean_score=70.0)
    records = [record(f"m{i:02}", 0, in_training=seen) for i in range(9)]
    more = "JSON has such scores of 1 further cell."
    for used, is_more in ((records[:8], False), (records, True)):
        notes = table(*used).notes
        assert len([note for note in notes if "on the others" in note]) == 8
        assert (more in notes) == is_more
