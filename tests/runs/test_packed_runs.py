"""Runs whose examples share rows of the encoder."""

import shutil

import numpy as np
import tensorflow as tf
from small_runs import merged, the_sentence

from electra_bench.cli.main import main
from electra_bench.runs.launch import launch

PACKED = "runs.finetune.composition = 'packed'"
WITHOUT_DROPOUT = [
    "models.electra.dropout = 0.0",
    "models.electra.attention_dropout = 0.0",
    "kinds.classification.head_dropout = 0.0",
]


def weights(run_dir):
    prefix = tf.train.latest_checkpoint(run_dir / "checkpoints")
    reader = tf.train.load_checkpoint(prefix)
    return {
        name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
    }


def test_fine_tuning_ends_as_with_rows_of_their_own(
    finetune_bindings, tmp_path, capsys
):
    found = []
    for composition in ("random", "packed"):
        bindings = [
            *WITHOUT_DROPOUT,
            f"runs.finetune.composition = {composition!r}",
            f"WORKDIR = {str(tmp_path / composition)!r}",
        ]
        [record] = launch(
            "finetune", ["runs/finetune.gin"], merged(finetune_bindings, bindings)
        )
        assert record.hparams["runs.finetune.composition"] == composition
        assert " % padding" in capsys.readouterr().err
        found.append(weights(tmp_path / composition / "small-cola-s0"))
    plain, packed = found
    assert plain.keys() == packed.keys()
    for name, value in plain.items():
        np.testing.assert_allclose(packed[name], value, atol=2e-5, err_msg=name)


def test_pretraining_with_several_texts_in_a_row(pretrain, tmp_path):
    bindings = ["OBJECTIVE = 'electra'", "MAX_SEQ_LENGTH = 64"]
    assert main(pretrain(*bindings, "runs.pretrain.packed = True")) == 0
    assert main(pretrain(*bindings, "runs.pretrain.packed = False")) != 0


def test_an_objective_that_cannot_be_packed_says_so(pretrain, capsys):
    bindings = ["OBJECTIVE = 'electric'", "runs.pretrain.packed = True"]
    assert main(pretrain(*bindings)) == 2
    said = the_sentence(capsys.readouterr().err, "pretrain")
    assert said.startswith("Electric cannot be trained with several examples in a row")
    assert "[CLS] and [SEP]" in said


def test_several_tasks_cannot_be_packed_under_xla(
    finetune, cola_dir, mnli_dir, tmp_path, capsys
):
    for folder in (cola_dir, mnli_dir):
        shutil.copytree(folder, tmp_path / "data", dirs_exist_ok=True)
    data = f"DATA_DIR = {str(tmp_path / 'data')!r}"
    bindings = ["TASK = ['cola', 'mnli']", data, "training.loop.xla = True", PACKED]
    assert main(finetune(*bindings)) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert said.startswith("examples of several tasks cannot share rows under XLA")
