"""Which runs depend on one another, by what their records say of their start."""

import numpy as np
import pytest
from run_records import run_record, save_predicted

from electra_bench.records import RunRecord
from electra_bench.reports.collect.lineage import ancestors, clusters, lineage
from electra_bench.reports.collect.records import Records, collect
from electra_bench.reports.render.write import build_table

SIZE = 60


def clusters_of(runs, *earlier):
    records = Records((*earlier, *runs))
    return clusters([lineage(run, records) for run in runs])


def test_runs_of_one_pretraining_are_a_cluster():
    runs = [
        run_record("m", "cola", s, 60.0, pretrain_seed=s % 2, parent_run_id=f"p{s % 2}")
        for s in range(4)
    ]
    earlier = [RunRecord(f"p{s}", "m", "pretrain", "done", seed=s) for s in range(2)]
    assert clusters_of(runs, *earlier) == ["p0", "p1", "p0", "p1"]
    # Without their records the seeds tell it.
    assert clusters_of(runs) == [f"pre-training seed {s}" for s in (0, 1, 0, 1)]


def test_runs_of_one_checkpoint_are_a_cluster_each():
    own = ["m-cola-0", "m-cola-1"]
    runs = [run_record("m", "cola", seed, 60.0, parent_run_id="p") for seed in range(2)]
    assert clusters_of(runs) == own
    # An imported model has no seed.
    imported = [
        run_record("m", "cola", s, 60.0, pretrain_seed=None, parent_run_id="google")
        for s in range(2)
    ]
    assert clusters_of(imported) == own


def test_runs_that_tell_no_start_are_a_cluster_each():
    runs = [run_record("m", "cola", s, 60.0, pretrain_seed=None) for s in range(2)]
    assert clusters_of(runs) == ["m-cola-0", "m-cola-1"]
    assert clusters_of(runs[:1]) == ["m-cola-0"]


def test_the_oldest_difference_makes_the_clusters():
    """Two intermediate tasks of each pre-training, all from one imported model."""
    earlier = [RunRecord("google", "google", "pretrain", "done")]
    runs = []
    for first in range(2):
        start = run_record(f"p{first}", "text", first, 0.0, parent_run_id="google")
        earlier.append(start)
        for second in range(2):
            middle = run_record(
                f"m{first}", "mnli", second, 0.0, parent_run_id=start.run_id
            )
            earlier.append(middle)
            own = run_record(
                "m", "rte", 2 * first + second, 0.0, parent_run_id=middle.run_id
            )
            runs.append(own)
    assert clusters_of(runs, *earlier) == ["p0-text-0"] * 2 + ["p1-text-1"] * 2
    assert clusters_of(runs[:2], *earlier) == ["m0-mnli-0", "m0-mnli-1"]
    again = run_record("m", "rte", 9, 0.0, parent_run_id=runs[0].run_id)
    assert clusters_of([runs[0], again], *earlier, *runs) == ["m-rte-0", "m-rte-0"]


def test_ancestors_end_where_a_record_is_not_there():
    records = Records(
        (
            run_record("a", "cola", 0, 0.0, parent_run_id="b-mnli-0"),
            run_record("b", "mnli", 0, 0.0, parent_run_id="gone"),
        )
    )
    assert list(ancestors(records[0], records)) == [records[1], None]
    circle = Records((run_record("a", "cola", 0, 0.0, parent_run_id="a-cola-0"),))
    assert list(ancestors(circle[0], circle)) == []


def notes_of(folder, parents):
    """Notes on checkpoints in a table; label to the parents of its runs, by task."""
    random = np.random.default_rng(0)
    for label, tasks in parents.items():
        for task, of_runs in tasks.items():
            for seed, parent in enumerate(of_runs):
                right = random.random(SIZE) < 0.7
                record = run_record(
                    label,
                    task,
                    seed,
                    100 * float(right.mean()),
                    pretrain_seed=None,
                    parent_run_id=parent,
                )
                answers = np.where(right, "1", "0").tolist()
                save_predicted(folder / record.run_id, record, ["1"] * SIZE, answers)
    notes = build_table(collect([str(folder)])).notes
    return [note for note in notes if "pre-trained row" in note or "start" in note]


ONE = {"cola": ["google"] * 2}
SEVERAL = {"cola": ["p0", "p1"], "rte": ["p0"] * 2}
UNKNOWN = {"cola": [None] * 2}


@pytest.mark.parametrize(
    ("parents", "said"),
    [
        ({"a": ONE, "b": ONE}, ["All runs of a pre-trained row start from one"]),
        ({"a": ONE, "b": UNKNOWN}, ["All runs of a start from one checkpoint"]),
        ({"a": ONE, "b": SEVERAL}, ["All runs of b in rte; of a start from one"]),
        ({"a": UNKNOWN, "b": {"cola": ["p0", "p1"]}}, []),
    ],
    ids=["all", "unknown", "some", "none"],
)
def test_a_table_names_rows_from_one_checkpoint(tmp_path, parents, said):
    notes = notes_of(tmp_path, parents)
    assert len(notes) == len(said)
    assert all(note.startswith(start) for note, start in zip(notes, said, strict=True))


def test_a_table_says_that_runs_of_one_pretraining_are_one(tmp_path):
    runs = {"cola": ["p0", "p0", "p1", "p1", "p1"]}
    table_notes = notes_of(tmp_path, {"a": runs, "b": runs})
    assert table_notes == []
    table = build_table(collect([str(tmp_path)]))
    assert any("take their mean as one run" in note for note in table.notes)
    score = table.cell(table.rows[0], "cola")
    scores = [one for _, one in score.runs]
    of_clusters = [np.mean(scores[:2]), np.mean(scores[2:])]
    assert score.mean == pytest.approx(np.mean(of_clusters))
    assert score.interval[0] < score.mean < score.interval[1]
