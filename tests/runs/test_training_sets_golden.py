"""The rows of a fine-tuning and the number of its updates against the original's."""

import json

import pytest
from recorded_files import unpack

from electra_bench.data import run_context
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.tasks.examples import TaskExamples
from electra_bench.tasks.registration import load_task
from electra_bench.training.batches import TrainingBatches
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

DOUBLED = ("mrpc", "sts")


@pytest.fixture(scope="module")
def folder(shared_golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("glue")
    unpack(shared_golden / "features/glue.json", folder)
    return folder


def training_rows(task, length):
    split = "train_doubled" if task in DOUBLED else "train"
    dataset = load_task(task).get_dataset({"input_ids": length}, split, shuffle=False)
    return list(dataset.as_numpy_iterator())


def found_row(row):
    [target] = [*row["labels"], *row["values"]]
    return len(row["input_ids"]), int(row["example_id"][0]), float(target)


@pytest.mark.parametrize("number", range(3))
def test_rows_and_updates_equal_the_originals(shared_golden, folder, tmp_path, number):
    content = json.loads((shared_golden / "features/preprocessing.json").read_text())
    case = content["cases"][number]
    vocabulary = WordPieceVocabulary(str(shared_golden / "vocab.txt"))
    parts = []
    # The original leaves bad rows out; a recorded training file has one.
    with run_context.use(
        data_dir=str(folder), vocabulary=vocabulary, files={}, on_error="skip"
    ):
        for place, task in enumerate(case["task_names"]):
            rows = training_rows(task, case["max_seq_length"])
            # In another order on purpose: ours is a function of the seed and the step. Nor
            # are there rows of padding: the last batch goes on with the next pass.
            recorded = [r for r in case["records_in_order"] if r["task_id"] == place]
            target = "targets" if task == "sts" else "label_ids"
            assert sorted(found_row(row) for row in rows) == [
                (tokens, eid, pytest.approx(value))
                for tokens, eid, value in sorted(
                    (r["n_tokens"], r[f"{task}_eid"], r[f"{task}_{target}"])
                    for r in recorded
                )
            ]
            store = str(tmp_path / task)
            with ExampleWriter(store) as writer:
                for row in rows:
                    writer.append({"input_ids": row["input_ids"]})
            parts.append(
                TaskExamples(task, len(rows), ExampleStore([store]), "no hash")
            )
    batches = TrainingBatches.passes(
        parts, case["train_batch_size"], case["num_train_epochs"], "random"
    )
    assert batches.num_steps == case["train_steps"]
