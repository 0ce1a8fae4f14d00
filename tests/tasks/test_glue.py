"""The GLUE tasks against recorded features, and on real data."""

import gzip

import numpy as np
import pytest
from golden_cases import SOURCES, golden_folder
from recorded_files import unpack
from task_cases import glue_examples

from electra_bench.data import run_context
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "sts")


@pytest.fixture(scope="module", params=SOURCES)
def golden(request, tmp_path_factory):
    """The recorded cases, with their files in a data folder."""
    numbers = golden_folder(request, request.param)
    folder = tmp_path_factory.mktemp("glue")
    content = unpack(numbers / "features/glue.json", folder)
    vocabulary = WordPieceVocabulary(str(numbers / "vocab.txt"))
    # The original leaves bad rows out; a recorded training file has one.
    with run_context.use(
        data_dir=str(folder), vocabulary=vocabulary, files={}, on_error="skip"
    ):
        yield content["cases"]


@pytest.mark.parametrize("task", TASKS)
def test_features_equal_recorded_ones(golden, task):
    cases = [case for case in golden if case["task"] == task]
    assert cases
    for case in cases:
        got = glue_examples(case)
        assert len(got) == len(case["features"])
        for example, expected in zip(got, case["features"], strict=True):
            ids = expected["input_ids_without_padding"]
            second = expected["n_segment_1"]
            assert example["input_ids"].tolist() == ids
            segments = [0] * (len(ids) - second) + [1] * second
            assert example["segment_ids"].tolist() == segments
            assert example["example_id"].tolist() == [expected[f"{task}_eid"]]
            check_target(task, case["split"], example, expected)


def check_target(task, split, example, expected):
    if split.startswith("test") or split == "diagnostic":
        # The original makes up the first label; here there is none.
        assert example["labels"].size == example["values"].size == 0
    elif task == "sts":
        assert example["labels"].size == 0
        assert example["values"].tolist() == [np.float32(expected["sts_targets"])]
    else:
        assert example["values"].size == 0
        assert example["labels"].tolist() == [expected[f"{task}_label_ids"]]


def test_microsofts_files_give_the_rows_of_glue(shared_data, tmp_path):
    source = load_task("mrpc").source
    glue = shared_data / "glue/MRPC"
    (tmp_path / "MRPC").mkdir()
    for name in ("msr_paraphrase_train.txt", "msr_paraphrase_test.txt", "dev_ids.tsv"):
        packed = tmp_path / "MRPC" / f"{name}.gz"
        packed.write_bytes(gzip.compress((glue / name).read_bytes()))
    for split in ("train", "dev", "test"):
        with run_context.use(data_dir=str(shared_data), files={}):
            expected = source.table(split)
        with run_context.use(data_dir=str(tmp_path), files={}):
            assert source.table(split) == expected


def test_a_missing_task_says_where_it_was_searched(tmp_path):
    with (
        run_context.use(data_dir=str(tmp_path), files={}),
        pytest.raises(FileNotFoundError) as error,
    ):
        load_task("mrpc").source.get_dataset("dev")
    for place in (
        "finetuning_data/mrpc/dev.tsv",
        "glue/MRPC/dev.tsv",
        "MRPC/msr_paraphrase_train.txt",
        str(tmp_path),
    ):
        assert place in str(error.value)


def test_replacing_the_data_replaces_the_examples(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n")
    bound = {"dev": str(path)}
    with run_context.use(data_dir=None, files=bound, on_error=None):
        source = load_task("rte").source
        [example] = source.get_dataset("dev").as_numpy_iterator()
        assert (example["text_a"], example["label"]) == (b"a", b"entailment")
        path.write_text("index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentails\n")
        with pytest.raises(ValueError, match=r"mine.tsv, line 2: unknown label"):
            source.get_dataset("dev")
