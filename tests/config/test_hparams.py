"""The original's dictionary of hyper-parameters."""

import ast
import json

import pytest

from electra_bench.config.finetuning_hparams import finetuning
from electra_bench.config.hparams import read_hparams
from electra_bench.config.pretraining_hparams import pretraining


def bound(given, **options):
    translated = pretraining(given, "data", "m", **options)
    pairs = (line.split(" = ", 1) for line in translated.bindings)
    return {key: ast.literal_eval(value) for key, value in pairs}


def test_defaults_are_the_originals_small_model():
    found = bound({})
    assert found["OBJECTIVE"] == "electra"
    assert found["models.electra.hidden_size"] == 256
    assert found["models.electra.embedding_size"] == 128
    assert found["models.electra.ffn_size"] == 1024
    assert found["models.electra.num_heads"] == 4
    assert found["PRETRAIN_LEARNING_RATE"] == 5e-4
    assert found["TRAIN_STEPS"] == 1000000 and found["WARMUP_STEPS"] == 10000
    assert found["BATCH_SIZE"] == 128 and found["MAX_SEQ_LENGTH"] == 128
    assert found["objectives.electra.disc_weight"] == 50.0
    assert found["VOCAB"] == "data/vocab.txt" and found["WORKDIR"] == "data/models/m"
    files = found["CORPORA"][found["CORPUS"]]["files"]
    assert files == "data/pretrain_tfrecords/pretrain_data.tfrecord*"


def test_base_has_wide_embeddings_and_everything_else_as_before():
    found = bound({"model_size": "base"})
    assert found["models.electra.embedding_size"] == 768
    assert found["models.electra.num_heads"] == 12
    # The values that the paper has for base are only in comments there.
    assert found["objectives.electra.generator_hidden_size"] == 0.25
    assert found["PRETRAIN_LEARNING_RATE"] == 5e-4


def test_heads_and_inner_size_follow_an_overridden_hidden_size():
    overrides = {"hidden_size": 128, "num_hidden_layers": 3}
    found = bound({"model_hparam_overrides": overrides})
    assert found["models.electra.num_heads"] == 2
    assert found["models.electra.ffn_size"] == 512
    assert found["models.electra.num_layers"] == 3
    found = bound({"model_hparam_overrides": overrides | {"num_attention_heads": 4}})
    assert found["models.electra.num_heads"] == 4
    assert found["generator/models.electra.num_heads"] == 2
    assert found["generator/models.electra.ffn_size"] == 512


@pytest.mark.parametrize(
    ("given", "objective", "generator"),
    [
        ({"electra_objective": False}, "mlm", "masked_lm"),
        ({"electric_objective": True}, "electric", "masked_lm"),
        ({"two_tower_generator": True}, "electra", "two_tower"),
        ({"uniform_generator": True}, "electra", "uniform"),
    ],
)
def test_objectives_and_generators(given, objective, generator):
    found = bound(given)
    assert found["OBJECTIVE"] == objective
    assert found["objectives.electra.generator"] == generator


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gen_weight", 0.5),
        ("disc_weight", 10.0),
        ("mask_prob", 0.25),
        ("generator_hidden_size", 0.5),
        ("generator_layers", 0.5),
        ("untied_generator", False),
        ("untied_generator_embeddings", True),
        ("disallow_correct", True),
        ("temperature", 0.5),
    ],
)
def test_switches_keep_their_names(name, value):
    assert bound({name: value})[f"objectives.electra.{name}"] == value
    assert bound({})[f"objectives.electra.{name}"] != value


def test_a_masked_lm_takes_what_holds_for_it():
    found = bound({"electra_objective": False, "gen_weight": 0.5, "mask_prob": 0.2})
    assert found["objectives.mlm.weight"] == 0.5
    assert found["objectives.mlm.mask_prob"] == 0.2


def test_debug_shrinks_the_run_but_what_is_given_holds():
    found = bound({"debug": True})
    assert found["BATCH_SIZE"] == 8 and found["TRAIN_STEPS"] == 20
    assert bound({"debug": True, "num_train_steps": 7})["TRAIN_STEPS"] == 7
    assert found["models.electra.hidden_size"] == 144
    assert found["models.electra.num_layers"] == 3
    assert found["generator/models.electra.num_heads"] == 2


def rate(step, peak, total, warmup, power):
    """The original's schedule."""
    warm = min(1.0, step / warmup) if warmup else 1.0
    return peak * (1.0 - step / total) ** power * warm


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_the_inflated_rate_of_a_continued_training_is_the_rate_there(power):
    # As the original's README has it for the released small model, 4M steps old.
    given = {
        "learning_rate": 4e-4 * 400,
        "num_train_steps": 4010000,
        "lr_decay_power": power,
    }
    found = bound(given, checkpoint="m/model.ckpt-4000000", done_steps=4000000)
    assert found["INIT"] == "m/model.ckpt-4000000" and found["WARMUP_STEPS"] == 0
    assert found["TRAIN_STEPS"] == 10000
    for step in (0, 1, 5000, 9999):
        ours = rate(step, found["PRETRAIN_LEARNING_RATE"], 10000, 0, power)
        theirs = rate(4000000 + step, given["learning_rate"], 4010000, 10000, power)
        assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"learnin_rate": 1}, "unknown hparam 'learnin_rate'; near: .'learning_rate'"),
        ({"max_predictions_per_seq": 9}, "unknown hparam"),
        ({"model_size": "huge"}, "model_size is 'huge'; expected one of"),
        (
            {"model_hparam_overrides": {"hiden_size": 1}},
            "unknown field of model_hparam",
        ),
        ({"do_train": False}, "'do_train' must be true"),
        ({"do_eval": True}, "both true"),
        ({"num_train_steps": "1000"}, "num_train_steps is '1000'; expected int"),
        ({"learning_rate": "5e-4"}, "learning_rate is '5e-4'; expected float"),
        ({"model_hparam_overrides": None}, "expected dict"),
    ],
)
def test_what_means_nothing_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        bound(given)


def test_json_and_files_of_it(tmp_path):
    assert read_hparams('{"debug": true}') == {"debug": True}
    path = tmp_path / "h.json"
    path.write_text(json.dumps({"mask_prob": 0.2}))
    assert read_hparams(str(path)) == {"mask_prob": 0.2}
    with pytest.raises(ValueError, match="no JSON"):
        read_hparams("{oops")
    with pytest.raises(FileNotFoundError, match="no file 'nowhere.json'"):
        read_hparams("nowhere.json")


def fine_tuning_bound(given):
    translated = finetuning(given, "data", "m")
    pairs = (line.split(" = ", 1) for line in translated.bindings)
    return {key: ast.literal_eval(value) for key, value in pairs}, translated.notes


def test_fine_tuning_has_the_originals_settings_by_task_and_size():
    found, notes = fine_tuning_bound({"task_names": ["mrpc"], "num_trials": 3})
    assert found["TASK"] == "mrpc" and found["SEED"] == (0, 1, 2)
    assert found["INIT"] == "data/models/m"
    assert found["WORKDIR"] == "data/models/m/finetuning_models"
    assert (found["LEARNING_RATE"], found["EPOCHS"]) == (1e-4, 3.0)
    assert found["models.electra.embedding_size"] == 128 and not notes
    assert fine_tuning_bound({"task_names": ["rte"]})[0]["EPOCHS"] == 10.0
    squad = fine_tuning_bound({"task_names": ["squad"], "doc_stride": 64})[0]
    assert (squad["EPOCHS"], squad["runs.finetune.max_seq_length"]) == (2.0, 512)
    assert squad["features.windows.doc_stride"] == 64
    # Without "qa" in its name it has the settings of a short task.
    naturalqs = fine_tuning_bound({"task_names": ["naturalqs"]})[0]
    assert (naturalqs["EPOCHS"], naturalqs["runs.finetune.max_seq_length"]) == (
        3.0,
        128,
    )
    large = fine_tuning_bound({"model_size": "large", "task_names": ["cola"]})[0]
    assert large["LEARNING_RATE"] == 5e-5
    assert large["LAYER_DECAY"] == 0.9


def test_fine_tuning_on_several_tasks_and_once_a_pair():
    given = {"task_names": ["mrpc", "sts"], "double_unordered": False}
    found, notes = fine_tuning_bound(given | {"write_test_outputs": True})
    assert found["TASK"] == ("mrpc", "sts") and found["EPOCHS"] == 3.0
    assert found["runs.finetune.splits"]["sts"] == ("train", "dev")
    assert notes == [
        "write_test_outputs has no counterpart: electra-bench predict writes them"
    ]


def test_fine_tuning_in_debug_mode_is_short_but_what_is_given_holds():
    found, _ = fine_tuning_bound({"task_names": ["rte"], "debug": True})
    assert (found["EPOCHS"], found["SEED"]) == (3.0, (0,))
    assert found["INIT"] is None and found["models.electra.hidden_size"] == 144
    given = {"debug": True, "num_train_epochs": 0.5, "num_trials": 2}
    found, _ = fine_tuning_bound(given | {"init_checkpoint": "there"})
    assert (found["EPOCHS"], found["SEED"]) == (0.5, (0, 1))
    assert found["INIT"] == "there"
