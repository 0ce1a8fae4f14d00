"""Tasks on data sets that TensorFlow Datasets and Hugging Face's `datasets` hold."""

import importlib.util
import sys

import pandas as pd
import pytest
from small_runs import SMALL_MODEL, the_sentence

from electra_bench.cli.main import main
from electra_bench.data import run_context
from electra_bench.data.readers.named_datasets import read_dataset
from electra_bench.records import read_record

NUM_ROWS = {"train": 12, "validation": 6}
TAGS = ["O", "B-PLACE", "I-PLACE"]
WITH_HUGGING_FACE = importlib.util.find_spec("datasets") is not None
needs_hugging_face = pytest.mark.skipif(
    not WITH_HUGGING_FACE, reason="the extra datasets is not installed"
)


def rows(split):
    return [
        {"note": f"it reads file {i} of Zürich", "mood": i % 2, "tags": [0, 0, 0, 1]}
        for i in range(NUM_ROWS[split])
    ]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A data set that TensorFlow Datasets prepared, and folders of Parquet and JSON."""
    import tensorflow_datasets as tfds

    class Notes(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "note": tfds.features.Text(),
                "mood": tfds.features.ClassLabel(names=["down", "up"]),
                "tags": tfds.features.Sequence(tfds.features.ClassLabel(names=TAGS)),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in NUM_ROWS}

        def _generate_examples(self, split):
            yield from enumerate(rows(split))

    path = tmp_path_factory.mktemp("named")
    Notes(data_dir=path).download_and_prepare()
    (path / "folder").mkdir()
    (path / "parts/short").mkdir(parents=True)
    (path / "parts/long").mkdir()
    for split in NUM_ROWS:
        frame = pd.DataFrame(rows(split))
        frame.to_parquet(path / "folder" / f"{split}.parquet")
        for part in ("short", "long"):
            file = path / "parts" / part / f"{split}.jsonl"
            frame.to_json(file, orient="records", lines=True)
    configs = "".join(
        f"- config_name: {part}\n  data_dir: {part}\n" for part in ("short", "long")
    )
    (path / "parts/README.md").write_text(f"---\nconfigs:\n{configs}---\n")
    return path


@pytest.fixture(autouse=True)
def surroundings(data_dir, tmp_path_factory, monkeypatch):
    """Hugging Face's library keeps what it made here, shows no bars, never goes online."""
    if WITH_HUGGING_FACE:
        import datasets

        cache = tmp_path_factory.mktemp("cache")
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        datasets.disable_progress_bars()
    with run_context.use(data_dir=str(data_dir)):
        yield


def command(vocab_file, data_dir, tmp_path, **changes):
    """Fine-tuning on such a data set."""
    lines = {
        "kind": "classification",
        "files": {"train": "train", "dev": "validation"},
        "columns": {"text_a": "note", "label": "mood"},
        **changes,
    }
    task_file = tmp_path / "my.gin"
    task_file.write_text(
        "".join(f"tasks.notes.{k} = {v!r}\n" for k, v in lines.items())
    )
    bindings = [
        *SMALL_MODEL,
        "EPOCHS = 1.0",
        "runs.finetune.batch_size = 6",
        f"VOCAB = {str(vocab_file)!r}",
        f"WORKDIR = {str(tmp_path / 'runs')!r}",
        f"DATA_DIR = {str(data_dir)!r}",
    ]
    parameters = [x for binding in bindings for x in ("--gin_param", binding)]
    return ["finetune", "runs/finetune.gin", "--task_file", str(task_file), *parameters]


@pytest.mark.parametrize(
    "dataset",
    ["tfds:notes", pytest.param("hf:folder", marks=needs_hugging_face)],
)
def test_a_named_data_set_is_fine_tuned_on(
    dataset, vocab_file, data_dir, tmp_path, capsys
):
    assert main(command(vocab_file, data_dir, tmp_path, dataset=dataset)) == 0
    [path] = (tmp_path / "runs").glob("*/record.json")
    record = read_record(str(path))
    [result] = record.results
    assert record.train_examples == 12 and result.num_examples == 6
    assert tuple(record.hparams["tasks.notes.labels"]) == ("0", "1")
    assert record.hparams["tasks.notes.dataset"] == dataset


@pytest.mark.parametrize(
    "dataset",
    [
        "tfds:notes",
        "tfds:notes:1.0.0",
        pytest.param("hf:folder", marks=needs_hugging_face),
        pytest.param("hf:parts@short", marks=needs_hugging_face),
    ],
)
def test_rows_are_those_that_were_written(dataset):
    records = read_dataset(dataset, "validation")
    found = [r.fields for r in records]
    if dataset.startswith("tfds:"):  # which shuffles what it writes, and knows the tags
        found.sort(key=lambda fields: fields["note"])
        expected = [
            {**row, "tags": ["O", "O", "O", "B-PLACE"]} for row in rows("validation")
        ]
    else:
        expected = rows("validation")
    assert found == expected
    assert records[1].where == f"{dataset}, split validation, row 2"
    assert len(read_dataset(dataset, "train[:3]")) == 3


@needs_hugging_face
def test_a_folder_of_save_to_disk_has_named_tags_and_missing_numbers(data_dir):
    import datasets

    features = datasets.Features(
        {
            "note": datasets.Value("string"),
            "mood": datasets.Value("int64"),
            "tags": datasets.Sequence(datasets.ClassLabel(names=TAGS)),
        }
    )
    written = [*rows("validation"), {"note": "no mood", "mood": None, "tags": [2, -1]}]
    split = datasets.Dataset.from_list(written, features=features)
    datasets.DatasetDict({"validation": split}).save_to_disk(data_dir / "saved")
    found = [r.fields for r in read_dataset("hf:saved", "validation")]
    assert found[0] == {**written[0], "tags": ["O", "O", "O", "B-PLACE"]}
    assert found[-1] == {"note": "no mood", "mood": None, "tags": ["I-PLACE", ""]}
    with pytest.raises(ValueError, match=r"holds the splits \['validation'\]"):
        read_dataset("hf:saved", "train")


WRONG = {
    "a library that is none": (
        {"dataset": "s3:notes"},
        "data set 's3:notes': expected 'tfds:NAME' or 'hf:NAME'",
    ),
    "no such set of TensorFlow": (
        {"dataset": "tfds:nots"},
        "data set 'tfds:nots', split 'train': TensorFlow Datasets has none of this name, "
        "nor was one prepared in ",
    ),
    "no such configuration of TensorFlow": (
        {"dataset": "tfds:glue/colx"},
        "BuilderConfig colx not found",
    ),
    "no such split of TensorFlow": (
        {"dataset": "tfds:notes", "files": {"train": "train", "dev": "dev"}},
        "data set 'tfds:notes', split 'dev': Unknown split 'dev'. Should be one of "
        "['train', 'validation'].",
    ),
    "no such column of TensorFlow": (
        {"dataset": "tfds:notes", "columns": {"text_a": "text", "label": "mood"}},
        "tfds:notes, split train, row 1: no column 'text' for text_a; columns: "
        "['mood', 'note', 'tags']",
    ),
}
WRONG_OF_HUGGING_FACE = {
    "no such set": (
        {"dataset": "hf:nyu-mll/glue@cola"},
        "data set 'hf:nyu-mll/glue@cola', split 'train': Couldn't reach 'nyu-mll/glue' on "
        "the Hub",
    ),
    "no such folder": (
        {"dataset": "hf:/no/such/folder"},
        "Couldn't find any data file at /no/such/folder",
    ),
    "no configuration": (
        {"dataset": "hf:parts"},
        "Config name is missing. Please pick one among the available configs: "
        "['short', 'long']",
    ),
    "no such configuration": (
        {"dataset": "hf:parts@shrt"},
        "BuilderConfig 'shrt' not found. Available: ['short', 'long']",
    ),
    "no such split": (
        {"dataset": "hf:folder", "files": {"train": "train", "dev": "dev"}},
        "data set 'hf:folder', split 'dev': Unknown split \"dev\". Should be one of "
        "['train', 'validation'].",
    ),
    "no such column": (
        {"dataset": "hf:folder", "columns": {"text_a": "text", "label": "mood"}},
        "hf:folder, split train, row 1: no column 'text' for text_a; columns: "
        "['note', 'mood', 'tags']",
    ),
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [pytest.param(*case, id=name) for name, case in WRONG.items()]
    + [
        pytest.param(*case, id=f"{name} of Hugging Face", marks=needs_hugging_face)
        for name, case in WRONG_OF_HUGGING_FACE.items()
    ],
)
def test_what_is_wrong_is_one_sentence(
    changes, expected, vocab_file, data_dir, tmp_path, capfd
):
    assert main(command(vocab_file, data_dir, tmp_path, **changes)) == 2
    sentence = the_sentence(capfd.readouterr().err, "finetune")
    assert expected in sentence, sentence
    assert not (tmp_path / "runs").exists()


def test_without_network_tensorflows_data_sets_are_not_downloaded(
    tmp_path, monkeypatch
):
    import requests
    import tensorflow_datasets as tfds

    def unreachable(self, url, **_):
        raise requests.ConnectionError(f"no way to {url}")

    monkeypatch.setattr(requests.Session, "get", unreachable)
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"^data set 'tfds:glue/cola', split .* no way to"
    ):
        read_dataset("tfds:glue/cola", "train")


def test_hugging_faces_library_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImportError, match="'hf:folder' needs .*: pip install datasets"):
        read_dataset("hf:folder", "train")
