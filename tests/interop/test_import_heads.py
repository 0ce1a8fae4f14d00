"""Fine-tuned heads out to Hugging Face's form and in again, and what is refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_runs import SMALL_MODEL, the_sentence

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.records import read_predictions, read_record
from electra_bench.runs.launch import launch

INDEPENDENT_ENDS = [
    "kinds.span_qa.joint_prediction = False",
    "kinds.span_qa.answerable_classifier = False",
]


@pytest.fixture(scope="module")
def data_dir(text_file, tmp_path_factory):
    """Chunks and questions."""
    folder = tmp_path_factory.mktemp("data")
    words = [w for w in text_file.read_text(encoding="utf-8").split() if w.isalpha()]
    (folder / "chunk").mkdir()
    (folder / "squad").mkdir()
    for offset, (split, size) in enumerate((("train", 40), ("dev", 12), ("test", 12))):
        texts = [words[i : i + 6] for i in range(100 * offset, 100 * offset + size)]
        lines = [f"{w} NN {'B-NP' if w.islower() else 'O'}" for t in texts for w in t]
        lines[5::6] = [f"{line}\n" for line in lines[5::6]]
        (folder / "chunk" / f"{split}.txt").write_text("\n".join(lines) + "\n")
        paragraphs = [
            {
                "context": " ".join(text),
                "qas": [
                    {
                        "id": f"{split}{i}",
                        "question": " ".join(text[:2]),
                        "is_impossible": False,
                        "answers": [{"text": text[0], "answer_start": 0}],
                    }
                ],
            }
            for i, text in enumerate(texts)
        ]
        path = folder / "squad" / f"{split}-v2.0.json"
        path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    return folder


@pytest.fixture(scope="module")
def exported(vocab_file, data_dir, tmp_path_factory):
    """Fine-tunes a small encoder on a task; its run's folder, and Hugging Face's form."""
    folder, made = tmp_path_factory.mktemp("runs"), {}

    def make(task):
        if task not in made:
            bindings = [
                *SMALL_MODEL,
                f"TASK = {task!r}",
                f"VOCAB = {str(vocab_file)!r}",
                f"DATA_DIR = {str(data_dir)!r}",
                f"WORKDIR = {str(folder)!r}",
                "LABEL = 'small'",
                "EPOCHS = 2.0",
                *(INDEPENDENT_ENDS if task == "squad" else []),
            ]
            launch("finetune", ["runs/finetune.gin"], bindings)
            run_dir, output = folder / f"small-{task}-s0", folder / f"{task}-hf"
            arguments = [run_dir, "--format", "hf", "--output", output]
            assert main(["checkpoint", "export", *map(str, arguments)]) == 0
            made[task] = run_dir, output
        return made[task]

    return make


def imported(folder, output, *more):
    return main(
        ["checkpoint", "import", *map(str, (folder, "--output", output, *more))]
    )


def refused(capsys, folder, output, *more):
    capsys.readouterr()
    assert imported(folder, output, *more) == 2
    assert not output.exists()
    return the_sentence(capsys.readouterr().err, "checkpoint")


def predictions(run_dir, output, data_dir):
    arguments = [run_dir, "--output", output, "--data_dir", data_dir]
    assert main(["predict", *map(str, arguments)]) == 0
    [path] = output.iterdir()
    return path.name, list(read_predictions(str(path)))


def changed(folder, copy, *, tensors=None, **config):
    """A model with other tensors or another configuration."""
    copy.mkdir()
    kept = load_file(folder / "model.safetensors") | (tensors or {})
    save_file(kept, copy / "model.safetensors")
    content = json.loads((folder / "config.json").read_text()) | config
    (copy / "config.json").write_text(json.dumps(content))
    (copy / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    return copy


@pytest.mark.parametrize(("task", "split"), [("chunk", "test"), ("squad", "dev")])
def test_a_fine_tuned_head_comes_back_as_it_went(
    exported, data_dir, tmp_path, capsys, task, split
):
    run_dir, folder = exported(task)
    back = tmp_path / "back"
    assert imported(folder, back, "--task", task) == 0
    assert f"heads: {task}" in capsys.readouterr().out
    _, before = predictions(run_dir, tmp_path / "before", data_dir)
    name, after = predictions(back, tmp_path / "after", data_dir)
    # Scores are compared too, so that one other bit would show.
    assert name == f"back-{task}-{split}.jsonl.gz" and after == before

    capsys.readouterr()
    scored = []
    for path in (run_dir, back):
        assert main(["evaluate", str(path), "--data_dir", str(data_dir)]) == 0
        scored.append(capsys.readouterr().out.replace(str(path), "RUN"))
    # Of the imported one nobody knows what it was trained on, which is said.
    scores = [
        [line for line in one.splitlines() if "not looked up" not in line]
        for one in scored
    ]
    assert f"RUN: {task}, dev, " in scored[0] and scores[0] == scores[1]


def test_what_was_never_scored_has_no_scores(exported, tmp_path):
    _, folder = exported("chunk")
    assert imported(folder, tmp_path / "back", "--task", "chunk") == 0
    record = read_record(str(tmp_path / "back" / "record.json"))
    assert (record.kind, record.tasks, record.results) == ("finetune", ("chunk",), ())
    assert record.seed is None and record.total_flops is None


def test_an_imported_head_goes_out_again(exported, tmp_path):
    _, folder = exported("chunk")
    back, again = tmp_path / "back", tmp_path / "again"
    assert imported(folder, back, "--task", "chunk") == 0
    arguments = [back, "--format", "hf", "--output", again]
    assert main(["checkpoint", "export", *map(str, arguments)]) == 0
    for name in ("config.json", "model.safetensors", "vocab.txt"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_labels_in_another_order_are_put_into_the_tasks(exported, data_dir, tmp_path):
    run_dir, folder = exported("chunk")
    labels = registry.tasks.get("chunk").labels
    order = np.random.default_rng(3).permutation(len(labels))
    tensors = load_file(folder / "model.safetensors")
    other = changed(
        folder,
        tmp_path / "other",
        tensors={
            name: np.ascontiguousarray(tensors[name][order])
            for name in ("classifier.weight", "classifier.bias")
        },
        id2label={str(i): labels[number] for i, number in enumerate(order)},
    )
    assert imported(other, tmp_path / "back", "--task", "chunk") == 0
    _, before = predictions(run_dir, tmp_path / "before", data_dir)
    _, after = predictions(tmp_path / "back", tmp_path / "after", data_dir)
    assert after == before


def test_fine_tuning_goes_on_from_an_imported_head(
    exported, finetune_bindings, tmp_path
):
    _, folder = exported("chunk")
    assert imported(folder, tmp_path / "back", "--task", "chunk") == 0
    given = [
        b
        for b in finetune_bindings
        if not b.startswith(("models.electra", "VOCAB", "LABEL", "EPOCHS"))
    ]
    more = [f"INIT = {str(tmp_path / 'back')!r}", "EPOCHS = 0.1"]
    [record] = launch("finetune", ["runs/finetune.gin"], [*given, *more])
    assert record.label == "back+chunk"


def test_a_head_needs_its_task(exported, tmp_path, capsys):
    _, folder = exported("chunk")
    output = tmp_path / "back"
    said = refused(capsys, folder, output)
    assert "ElectraForTokenClassification" in said and "--task" in said
    said = refused(capsys, folder, output, "--task", "squad")
    assert "kind 'tagging'" in said and "'squad' is of kind 'span_qa'" in said
    assert "near" in refused(capsys, folder, output, "--task", "chnk")
    assert "'corpus'" in refused(capsys, folder, output, "--task", "pydoc")
    said = refused(capsys, folder, output, "--task", "chunk", "--generator", folder)
    assert "no generator" in said


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "O"}}, ["'LABEL_0', 'O'", "'B-ADJP'"]),
        ({"id2label": None}, ["the labels are []", "'B-ADJP'"]),
        ({"id2label": {"1": "O"}}, ["must map 0, 1, ... to labels"]),
        ({"id2label": ["O"]}, ["must map 0, 1, ... to labels"]),
        ({"architectures": ["ElectraForPreTraining"]}, ["no head of a task"]),
        ({"architectures": None}, ["no head of a task"]),
    ],
)
def test_labels_and_architectures_that_do_not_fit(
    exported, tmp_path, capsys, config, expected
):
    _, folder = exported("chunk")
    other = changed(folder, tmp_path / "other", **config)
    said = refused(capsys, other, tmp_path / "back", "--task", "chunk")
    assert all(part in said for part in expected), said


def test_a_head_of_another_size_is_refused(exported, tmp_path, capsys):
    _, folder = exported("chunk")
    wide = {"classifier.weight": np.zeros([3, 16], np.float32)}
    other = changed(folder, tmp_path / "other", tensors=wide)
    said = refused(capsys, other, tmp_path / "back", "--task", "chunk")
    assert "classifier/kernel is [16, 3], expected [16, 42]" in said


@pytest.mark.parametrize("task", [None, "cola"])
def test_a_classifier_with_one_more_layer_is_refused(exported, tmp_path, capsys, task):
    _, folder = exported("chunk")
    other = changed(
        folder,
        tmp_path / "other",
        architectures=["ElectraForSequenceClassification"],
    )
    more = ["--task", task] if task else []
    said = refused(capsys, other, tmp_path / "back", *more)
    assert "ElectraForSequenceClassification has a dense layer" in said
