"""The original's hyper-parameter dictionary (`--hparams`) as gin bindings.

Source: google-research/electra configure_pretraining.py, util/training_utils.py
`get_bert_config`, model/modeling.py `BertConfig`; defaults are theirs.
"""

import difflib
import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

DEFAULTS: dict[str, Any] = {
    "debug": False,
    "do_train": True,
    "do_eval": False,
    "electra_objective": True,
    "electric_objective": False,
    "gen_weight": 1.0,
    "disc_weight": 50.0,
    "mask_prob": 0.15,
    "learning_rate": 5e-4,
    "lr_decay_power": 1.0,
    "weight_decay_rate": 0.01,
    "num_warmup_steps": 10000,
    "iterations_per_loop": 200,
    "save_checkpoints_steps": 1000,
    "num_train_steps": 1000000,
    "num_eval_steps": 100,
    "keep_checkpoint_max": 5,
    "model_size": "small",
    "model_hparam_overrides": {},
    "embedding_size": None,
    "vocab_size": 30522,
    "do_lower_case": True,
    "uniform_generator": False,
    "two_tower_generator": False,
    "untied_generator_embeddings": False,
    "untied_generator": True,
    "generator_layers": 1.0,
    "generator_hidden_size": 0.25,
    "disallow_correct": False,
    "temperature": 1.0,
    "max_seq_length": 128,
    "train_batch_size": 128,
    "eval_batch_size": 128,
    "use_tpu": False,
    "num_tpu_cores": 1,
    "tpu_job_name": None,
    "tpu_name": None,
    "tpu_zone": None,
    "gcp_project": None,
    "pretrain_tfrecords": None,
    "vocab_file": None,
    "model_dir": None,
}
DEBUG = {
    "train_batch_size": 8,
    "num_train_steps": 20,
    "eval_batch_size": 4,
    "iterations_per_loop": 1,
    "num_eval_steps": 2,
}
# The model of debug mode, whatever its size.
DEBUG_SIZES = {
    "num_hidden_layers": 3,
    "hidden_size": 144,
    "intermediate_size": 576,
    "num_attention_heads": 4,
}
# Hidden size and layers of `model_size`.
MODEL_SIZES = {"small": (256, 12), "base": (768, 12), "large": (1024, 24)}
# A field of `model_hparam_overrides` to the parameter of `models.electra`.
OVERRIDES = {
    "hidden_size": "hidden_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "intermediate_size": "ffn_size",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
    "max_position_embeddings": "max_positions",
    "type_vocab_size": "segment_types",
    "initializer_range": "initializer_range",
}
# Said, but without a counterpart: what they are for happens otherwise here.
WITHOUT_MEANING = ("iterations_per_loop", "eval_batch_size", "vocab_size")
# Keeps all checkpoints, as 0 and None do in the original.
ALL = 10**9


class Translated(NamedTuple):
    """A dictionary in this project's terms.

    Attributes:
        bindings: gin bindings.
        model_dir: where the original would have put the model.
        notes: what has no counterpart.
    """

    bindings: list[str]
    model_dir: str
    notes: list[str]


def read_hparams(given: str) -> dict[str, Any]:
    """Reads what `--hparams` got: JSON, or the name of a file with JSON.

    Raises:
        FileNotFoundError: neither JSON nor a file.
        ValueError: no JSON object.
    """
    where = "--hparams"
    if not given.lstrip().startswith("{"):
        if not os.path.isfile(given):
            raise FileNotFoundError(f"--hparams: no file {given!r}, and it is no JSON")
        where = given
        with open(given, encoding="utf-8") as file:
            given = file.read()
    try:
        found = json.loads(given)
    except ValueError as error:
        raise ValueError(f"{where} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(found).__name__}")
    return found


def pretraining(
    given: Mapping[str, Any],
    data_dir: str,
    model_name: str,
    checkpoint: str | None = None,
    done_steps: int = 0,
) -> Translated:
    """Translates the dictionary of `run_pretraining.py`.

    Args:
        given: what differs from the original's defaults.
        data_dir: with `vocab.txt` and `pretrain_tfrecords`.
        model_name: the run lies below `models/<name>` of that.
        checkpoint: prefix of the original's checkpoint in the model's folder, which it
            trains on.
        done_steps: its updates, with which the original goes on counting; the schedule
            here is that of what is left.

    Raises:
        ValueError: an unknown key, or a value that means nothing here.
    """
    check_hparams(given)
    hparams = DEFAULTS | (DEBUG if given.get("debug") else {})
    if given.get("model_size", "small") == "small":
        hparams["embedding_size"] = 128
    hparams |= given
    if not hparams["do_train"] or hparams["use_tpu"]:
        raise ValueError(
            "--hparams: 'do_train' must be true (electra-bench evaluate only scores) and "
            "'use_tpu' false (bind training.strategy)"
        )
    model_dir = hparams["model_dir"] or os.path.join(data_dir, "models", model_name)
    records = hparams["pretrain_tfrecords"] or os.path.join(
        data_dir, "pretrain_tfrecords", "pretrain_data.tfrecord*"
    )
    keep = hparams["keep_checkpoint_max"]
    bindings = {
        "OBJECTIVE": _objective(hparams),
        "LABEL": model_name,
        "WORKDIR": model_dir,
        "VOCAB": hparams["vocab_file"] or os.path.join(data_dir, "vocab.txt"),
        "CORPORA": {"pretrain_tfrecords": {"files": records}},
        "CORPUS": "pretrain_tfrecords",
        "BATCH_SIZE": hparams["train_batch_size"],
        "MAX_SEQ_LENGTH": hparams["max_seq_length"],
        **_schedule(hparams, done_steps),
        "training.adamw.decay_power": hparams["lr_decay_power"],
        "training.adamw.weight_decay": hparams["weight_decay_rate"],
        "training.loop.checkpoint_every": hparams["save_checkpoints_steps"],
        "training.loop.keep": keep or ALL,
        "runs.pretrain.eval_batches": hparams["num_eval_steps"],
        "vocabularies.wordpiece.lower_case": hparams["do_lower_case"],
        **_model(hparams),
        **_generator(hparams),
    }
    if checkpoint is not None:
        bindings["INIT"] = checkpoint
    notes = [f"{name} has no counterpart" for name in WITHOUT_MEANING if name in given]
    return Translated(
        [f"{key} = {value!r}" for key, value in bindings.items()], model_dir, notes
    )


def check_hparams(given: Mapping[str, Any]) -> None:
    """Checks names and types.

    Raises:
        ValueError: an unknown key, or a value of another type than the default.
    """
    _check_keys(given, DEFAULTS, "hparam")
    for key, value in given.items():
        default = DEFAULTS[key]
        if default is None or value is None and key == "keep_checkpoint_max":
            continue
        expected = type(default)
        is_right = isinstance(value, expected) and (
            expected is bool or not isinstance(value, bool)
        )
        if expected is float and isinstance(value, int) and value is not True:
            is_right = True
        if not is_right:
            raise ValueError(
                f"--hparams: {key} is {value!r}; expected {expected.__name__}, as "
                f"{default!r}"
            )
    if given.get("do_eval") and given.get("do_train", True):
        raise ValueError(
            "--hparams: do_train and do_eval are both true; electra-bench evaluate scores"
        )


def _check_keys(given: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=3)
            raise ValueError(
                f"--hparams: unknown {what} {key!r}; near: {near}; all: {sorted(known)}"
            )


def _objective(hparams: Mapping[str, Any]) -> str:
    if hparams["electric_objective"]:
        return "electric"
    return "electra" if hparams["electra_objective"] else "mlm"


def _schedule(hparams: Mapping[str, Any], done_steps: int) -> dict[str, Any]:
    """The rate lr (1 - t / T)^p min(1, t / W) from step `done_steps` on.

    With s steps done it is lr ((T - s) / T)^p (1 - t' / (T - s))^p, so what is left is a
    schedule of the same form with T - s steps.
    """
    total, warmup = hparams["num_train_steps"], hparams["num_warmup_steps"]
    if done_steps >= total:
        raise ValueError(
            f"--hparams: num_train_steps is {total}, but the checkpoint in the model's "
            f"folder has {done_steps} already"
        )
    if 0 < done_steps < warmup:
        raise ValueError(
            f"--hparams: the checkpoint has {done_steps} steps, within the warm-up of "
            f"{warmup}; give num_warmup_steps 0"
        )
    left = (total - done_steps) / total
    return {
        "TRAIN_STEPS": total - done_steps,
        "PRETRAIN_LEARNING_RATE": hparams["learning_rate"]
        * left ** hparams["lr_decay_power"],
        "WARMUP_STEPS": 0 if done_steps else warmup,
    }


def _model(hparams: Mapping[str, Any]) -> dict[str, Any]:
    if hparams["model_size"] not in MODEL_SIZES:
        raise ValueError(
            f"--hparams: model_size is {hparams['model_size']!r}; expected one of "
            f"{list(MODEL_SIZES)}"
        )
    hidden, layers = MODEL_SIZES[hparams["model_size"]]
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers}
    overrides = dict(hparams["model_hparam_overrides"])
    overrides.pop("vocab_size", None)
    if overrides.pop("hidden_act", "gelu") != "gelu":
        raise ValueError("--hparams: hidden_act can only be 'gelu'")
    _check_keys(overrides, OVERRIDES, "field of model_hparam_overrides")
    sizes |= overrides
    if hparams["debug"]:
        sizes |= DEBUG_SIZES
    # Heads and inner size follow an overridden hidden size.
    hidden = sizes["hidden_size"]
    sizes.setdefault("num_attention_heads", max(1, hidden // 64))
    sizes.setdefault("intermediate_size", 4 * hidden)
    bindings = {f"models.electra.{OVERRIDES[name]}": x for name, x in sizes.items()}
    bindings["models.electra.embedding_size"] = hparams["embedding_size"] or hidden
    # A generator has a head for every 64 units and four times as wide an inner layer.
    bindings["generator/models.electra.num_heads"] = max(1, hidden // 64)
    bindings["generator/models.electra.ffn_size"] = 4 * hidden
    return bindings


def _generator(hparams: Mapping[str, Any]) -> dict[str, Any]:
    kind = "masked_lm"
    if hparams["two_tower_generator"]:
        kind = "two_tower"
    if hparams["uniform_generator"]:
        kind = "uniform"
    names = (
        "mask_prob",
        "gen_weight",
        "disc_weight",
        "generator_hidden_size",
        "generator_layers",
        "untied_generator",
        "untied_generator_embeddings",
        "disallow_correct",
        "temperature",
    )
    bindings = {f"objectives.electra.{name}": hparams[name] for name in names}
    bindings["objectives.electra.generator"] = kind
    bindings["objectives.mlm.mask_prob"] = hparams["mask_prob"]
    return bindings
