"""A root that is called from Python: values instead of statements, and no traces."""

import ast
import os
import shutil
from dataclasses import replace
from pathlib import Path

import gin
import pytest
from small_runs import the_sentence

from electra_bench import config
from electra_bench.cli.main import main
from electra_bench.records import read_record
from electra_bench.records.run_folder import write_gin
from electra_bench.runs.launch import launch
from electra_bench.runs.lifecycle import find, stored
from electra_bench.runs.pretrained import find_pretrained

OLD = Path(__file__).parent / "old_run"
# What the run was made with, by commit 7a4b659.
OLD_COMMAND = [
    *("finetune", "runs/finetune.gin", "--data_dir", "data", "--workdir", "runs"),
    *("--gin.TASK='cola'", "--gin.VOCAB='vocab.txt'", "--gin.LABEL='old'"),
    *("--gin.EPOCHS=1.0", "--gin.runs.finetune.max_seq_length=16"),
    "--gin.runs.finetune.batch_size=8",
    *("--gin.models.electra.hidden_size=4", "--gin.models.electra.num_layers=1"),
    *("--gin.models.electra.num_heads=1", "--gin.models.electra.ffn_size=4"),
    *("--gin.models.electra.embedding_size=4", "--gin.models.electra.max_positions=16"),
]


def values(bindings):
    pairs = (binding.split(" = ", 1) for binding in bindings)
    return {key: ast.literal_eval(value) for key, value in pairs}


def test_two_calls_give_what_two_commands_give(finetune, finetune_bindings, tmp_path):
    given = values(finetune_bindings) | {"EPOCHS": 0.5, "SEED": (0, 1)}
    first = launch("finetune", ["runs/finetune.gin"], given)
    assert gin.config_str() == "" and gin.operative_config_str() == ""
    moved = {"WORKDIR": str(tmp_path / "again")}
    # A binding of one call that another one does not make does not hold there.
    other = {"LABEL": "other", "training.adamw.layer_decay": 0.5}
    launch("finetune", ["runs/finetune.gin"], given | moved | other)
    again = launch("finetune", ["runs/finetune.gin"], given | moved)
    folder = str(tmp_path / "command")
    command = ("EPOCHS = 0.5", "SEED = (0, 1)", f"WORKDIR = {folder!r}")
    assert main(finetune(*command)) == 0
    for record, twin in zip(first, again, strict=True):
        path = os.path.join(folder, f"small-cola-s{record.seed}", "record.json")
        for same in (twin, read_record(path)):
            assert same.identity == record.identity
            assert same.results == record.results
            assert same.checkpoint_sha256 == record.checkpoint_sha256
            assert same.run_id == record.run_id
    one, two = first
    assert one.identity != two.identity
    assert one.identity_without_seed == two.identity_without_seed
    assert one.hparams["runs.finetune.seed"] == 0 and one.code_sha256


def test_a_call_that_fails_leaves_nothing_either(finetune_bindings):
    with pytest.raises(ValueError, match="SEED must be"):
        launch(
            "finetune", ["runs/finetune.gin"], values(finetune_bindings) | {"SEED": -1}
        )
    assert gin.config_str() == ""


@pytest.fixture
def old_run(tmp_path, monkeypatch):
    """The folder of a run that commit 7a4b659 has made, whose code is not noted."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / "old-cola-s0"


def test_a_run_of_before_code_was_noted_answers(old_run, capsys):
    before = (old_run / "record.json").read_text()
    record = read_record(str(old_run / "record.json"))
    assert (record.schema_version, record.identity, record.code_sha256) == (
        1,
        None,
        None,
    )
    assert main(OLD_COMMAND) == 0
    assert "is done already (code unknown)" in capsys.readouterr().out
    assert (old_run / "record.json").read_text() == before
    changed = [word.replace("EPOCHS=1.0", "EPOCHS=2.0") for word in OLD_COMMAND]
    assert main(changed) == 2
    assert "'EPOCHS = 1.0' only there" in capsys.readouterr().err
    assert main(["list", "runs", "runs", "--json"]) == 0
    assert '"code": "code unknown"' in capsys.readouterr().out
    assert main(["describe", "run", str(old_run)]) == 0
    assert "code unknown" in capsys.readouterr().out
    assert main(["leaderboard", "build", "runs", "--out", "out"]) == 0


def test_a_run_of_before_that_was_interrupted_goes_on(old_run, capsys, power):
    before = read_record(str(old_run / "record.json"))
    (old_run / "record.json").unlink()
    shutil.rmtree(old_run / "predictions")
    assert main(OLD_COMMAND) == 0
    record = read_record(str(old_run / "record.json"))
    assert record.checkpoint_sha256 == before.checkpoint_sha256
    assert record.code_sha256 is None and record.schema_version == 3
    [result], [old] = record.results, before.results
    assert result.data_sha256 == old.data_sha256
    assert result.metrics == pytest.approx(old.metrics)
    power.check()


READ_A_RUN = [
    ["evaluate", "runs/old-cola-s0"],
    ["predict", "runs/old-cola-s0", "--output", "out.jsonl"],
    ["score", "runs/old-cola-s0", "--input", "vocab.txt"],
    ["checkpoint", "describe", "runs/old-cola-s0"],
    ["checkpoint", "export", "runs/old-cola-s0", "--format", "tf1", "--output", "out"],
    [w.replace("LABEL='old'", "INIT='runs/old-cola-s0'") for w in OLD_COMMAND],
]


@pytest.mark.parametrize("argv", READ_A_RUN, ids=lambda argv: argv[0])
def test_a_finished_run_whose_only_checkpoint_is_damaged(old_run, argv, capsys):
    os.truncate(old_run / "checkpoints" / "model.ckpt-3.data-00000-of-00001", 1000)
    before = sorted(os.listdir("."))
    assert main(argv) == 2
    said = the_sentence(capsys.readouterr().err, argv[0])
    assert "model.ckpt-3 is damaged: it cannot be read (" in said
    assert said.endswith("; no other is whole there, so it has to be made again")
    assert sorted(os.listdir(".")) == before


def test_a_finished_run_whose_newest_checkpoint_is_damaged(old_run, capsys):
    for path in (old_run / "checkpoints").glob("model.ckpt-3.*"):
        shutil.copy(path, str(path).replace("ckpt-3", "ckpt-2"))
    os.truncate(old_run / "checkpoints" / "model.ckpt-3.index", 0)
    record = read_record(str(old_run / "record.json"))
    evaluate = ["evaluate", str(old_run), "--data_dir", "data"]
    assert main([*evaluate, "--workdir", "runs"]) == 0
    said = capsys.readouterr()
    [warning] = [x for x in said.err.splitlines() if x.startswith("warning: ")]
    assert "model.ckpt-3 is damaged: " in warning
    assert warning.endswith("model.ckpt-2 is used")
    assert f"mcc = {record.results[0].metrics['mcc']:.1f}" in said.out
    [evaluated] = read_record("runs/old-cola-s0-on-cola-dev/record.json").results
    mark = evaluated.marks["earlier checkpoint"]
    assert mark == "of 2 of 3 updates, since newer ones are damaged"
    with pytest.raises(ValueError, match="damaged: .*; give another, .*model.ckpt-2$"):
        find_pretrained(str(old_run / "checkpoints" / "model.ckpt-3"))


def test_a_run_without_its_record_is_no_finished_one(old_run, capsys):
    (old_run / "record.json").unlink()
    why = "has no record.json: it has not come to its end, or the file is lost"
    mark = find_pretrained(str(old_run)).marks["unfinished run"]
    assert why in mark and mark.endswith("the command that made it writes it again")
    # What comes from elsewhere never had one.
    (old_run / "config.gin").unlink()
    (old_run / "model.gin").write_text("models.electra.num_layers = 1\n")
    assert not find_pretrained(str(old_run)).marks
    # An import had one.
    write_gin(str(old_run), "model.gin", "models.electra.num_layers = 1\n")
    capsys.readouterr()
    mark = find_pretrained(str(old_run)).marks["unfinished run"]
    assert why in mark and mark.endswith("the command that made it writes it again")
    assert f"warning: {old_run} {why}" in capsys.readouterr().err


def test_all_of_an_old_folder_is_read(old_run):
    found = stored(str(old_run))
    assert set(found.inputs.content) == {
        "vocabulary",
        "data of cola train",
        "data of cola dev",
    }
    assert found.inputs.code == () and found.identity is None
    inputs = replace(found.inputs, code=("of today",))
    same = find(str(old_run), found.parameters, inputs, config.default_of)
    assert same.state == "answered" and same.record.label == "old"


def test_how_examples_are_made_is_part_of_a_run(pretrain_bindings, tmp_path):
    given = values(pretrain_bindings) | {"TRAIN_STEPS": 1}
    first = launch("pretrain", ["runs/pretrain.gin"], given)
    # The examples are there already, whose making would ask gin.
    moved = given | {"WORKDIR": str(tmp_path / "again")}
    again = launch("pretrain", ["runs/pretrain.gin"], moved)
    assert first.hparams["features.pretraining.cut_tokens"] == "dropped"
    assert again.identity == first.identity
    changed = moved | {"features.pretraining.cut_tokens": "kept"}
    with pytest.raises(FileExistsError, match="cut_tokens = 'dropped'\" only there"):
        launch("pretrain", ["runs/pretrain.gin"], changed)
