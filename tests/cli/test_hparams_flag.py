"""`pretrain --hparams`, as the original's command line has it."""

import json

import pytest
from small_runs import the_sentence

from electra_bench.cli.main import main


@pytest.fixture
def hparams(text_file, vocab_file):
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return {
        "pretrain_tfrecords": str(text_file),
        "vocab_file": str(vocab_file),
        "model_hparam_overrides": sizes,
        "embedding_size": 16,
        "num_train_steps": 6,
        "num_warmup_steps": 2,
        "num_eval_steps": 1,
        "train_batch_size": 8,
        "max_seq_length": 32,
    }


def pretrain(tmp_path, hparams, *more):
    arguments = ["--data_dir", str(tmp_path), "--model_name", "owt", *more]
    return main(["pretrain", "--hparams", json.dumps(hparams), *arguments])


def test_a_dictionary_trains_below_models(hparams, tmp_path, capsys):
    assert pretrain(tmp_path, hparams) == 0
    said = capsys.readouterr().out
    assert "TRAIN_STEPS = 6" in said and "models.electra.hidden_size = 16" in said
    model_dir = tmp_path / "models" / "owt"
    record = json.loads((model_dir / "pretrain-owt-s0" / "record.json").read_text())
    assert record["train_steps"] == 6 and record["protocol"] == "code_v1*"
    assert record["protocol_changes"] == {"training.adamw.warmup_steps": [[10000], 2]}
    results = (model_dir / "results" / "unsup_results.txt").read_text()
    assert "masked_lm_loss = " in results and "disc_auc = 0." in results


def test_the_original_checkpoint_in_the_folder_is_trained_on(hparams, tmp_path, capsys):
    assert pretrain(tmp_path / "first", hparams) == 0
    run_dir = tmp_path / "first" / "models" / "owt" / "pretrain-owt-s0"
    model_dir = tmp_path / "second" / "models" / "owt"
    model_dir.parent.mkdir(parents=True)
    arguments = ["--format", "tf1", "--output", str(model_dir)]
    assert main(["checkpoint", "export", str(run_dir), *arguments]) == 0
    capsys.readouterr()
    # It goes on counting: six of nine steps are done, and none is within the warm-up.
    assert pretrain(tmp_path / "second", hparams | {"num_train_steps": 9}) == 0
    assert "TRAIN_STEPS = 3" in capsys.readouterr().out
    record = model_dir / "pretrain-owt-s0" / "record.json"
    assert json.loads(record.read_text())["train_steps"] == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--hparams", '{"debg": true}'], "unknown hparam 'debg'; near: ['debug']"),
        (["--hparams", "{oops"], "--hparams is no JSON"),
    ],
)
def test_bad_dictionaries(arguments, expected, tmp_path, capsys):
    assert (
        main(["pretrain", "--data_dir", str(tmp_path), "--model_name", "x", *arguments])
        == 2
    )
    assert expected in the_sentence(capsys.readouterr().err, "pretrain")


def test_a_mistake_names_the_flag_and_the_line_that_was_printed(tmp_path, capsys):
    hparams = json.dumps({"task_names": ["squad"], "max_query_length": 32})
    arguments = ["--data_dir", str(tmp_path), "--model_name", "owt"]
    arguments += ["--gin.features.span_qa.name='words'"]
    assert main(["finetune", "--hparams", hparams, *arguments]) == 2
    said = capsys.readouterr()
    place, key, *_ = the_sentence(said.err, "finetune").split(": ")[-2:]
    number = int(place.rpartition("--hparams:")[2])
    assert key.startswith("features.windows.max_query_length is bound")
    assert said.out.splitlines()[number].strip() == (
        "features.windows.max_query_length = 32"
    )


def test_finetune_takes_its_dictionary_and_writes_the_originals_results(
    cola_dir, vocab_file, tmp_path, capsys
):
    hparams = {"debug": True, "task_names": ["cola"], "num_train_epochs": 1.0}
    hparams["vocab_file"] = str(vocab_file)
    (tmp_path / "CoLA").symlink_to(cola_dir / "CoLA")
    arguments = ["--data_dir", str(tmp_path), "--model_name", "owt"]
    command = ["finetune", "--hparams", json.dumps(hparams), *arguments]
    assert main(command) == 0
    assert "EPOCHS = 1.0" in capsys.readouterr().out
    model_dir = tmp_path / "models" / "owt"
    path = model_dir / "finetuning_models" / "owt-cola-s0" / "record.json"
    record = json.loads(path.read_text())
    assert record["protocol"] == "code_v1*" and record["results"][0]["split"] == "dev"
    assert list(record["protocol_changes"]) == ["runs.finetune.epochs"]
    [line] = (model_dir / "results" / "cola_results.txt").read_text().splitlines()
    mcc = record["results"][0]["metrics"]["mcc"]
    assert line.startswith(f"cola: mcc: {mcc:.2f} - accuracy: ")


def test_every_split_of_a_task_has_a_name_in_the_originals_results(
    mnli_dir, vocab_file, tmp_path, capsys
):
    hparams = {"debug": True, "task_names": ["mnli"], "vocab_file": str(vocab_file)}
    hparams |= {"num_train_epochs": 1.0, "train_batch_size": 6}
    (tmp_path / "MNLI").symlink_to(mnli_dir / "MNLI")
    arguments = ["--data_dir", str(tmp_path), "--model_name", "owt"]
    assert main(["finetune", "--hparams", json.dumps(hparams), *arguments]) == 0
    path = tmp_path / "models" / "owt" / "results" / "mnli_results.txt"
    lines = path.read_text().splitlines()
    names = [line.partition(": accuracy: ")[0] for line in lines]
    assert names == ["mnli", "mnli_dev_mismatched"]
