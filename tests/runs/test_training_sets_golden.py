"""The rows of a fine-tuning and the number of its updates against recorded ones."""

import json

import pytest
from golden_cases import SOURCES, golden_folder
from recorded_files import unpack
from task_cases import found_row, training_rows

from electra_bench.data import run_context
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.batches import TrainingBatches
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


@pytest.fixture(scope="module", params=SOURCES)
def recorded(request, tmp_path_factory):
    """Cases in a run that has their files and vocabulary."""
    numbers = golden_folder(request, request.param)
    folder = tmp_path_factory.mktemp("glue")
    unpack(numbers / "features/glue.json", folder)
    content = json.loads((numbers / "features/preprocessing.json").read_text())
    vocabulary = WordPieceVocabulary(str(numbers / "vocab.txt"))
    # The original leaves bad rows out; a recorded training file has one.
    with run_context.use(
        data_dir=str(folder), vocabulary=vocabulary, files={}, on_error="skip"
    ):
        yield content["cases"]


@pytest.mark.parametrize("number", range(3))
def test_rows_and_updates_equal_recorded_ones(recorded, tmp_path, number):
    case = recorded[number]
    parts = []
    for place, task in enumerate(case["task_names"]):
        rows = training_rows(task, case["max_seq_length"])
        # In another order on purpose: ours is a function of the seed and the step. Nor
        # are there rows of padding: the last batch goes on with the next pass.
        known = [r for r in case["records_in_order"] if r["task_id"] == place]
        target = "targets" if task == "sts" else "label_ids"
        assert sorted(found_row(row) for row in rows) == [
            (tokens, eid, pytest.approx(value))
            for tokens, eid, value in sorted(
                (r["n_tokens"], r[f"{task}_eid"], r[f"{task}_{target}"]) for r in known
            )
        ]
        store = str(tmp_path / task)
        with ExampleWriter(store) as writer:
            for row in rows:
                writer.append({"input_ids": row["input_ids"]})
        parts.append(TaskExamples(task, len(rows), ExampleStore([store]), "no hash"))
    batches = TrainingBatches.passes(
        parts, case["train_batch_size"], case["num_train_epochs"], "random"
    )
    assert batches.num_steps == case["train_steps"]
