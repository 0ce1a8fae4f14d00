"""The dictionary of `run_pretraining.py` (`pretrain --hparams`) as gin bindings.

Source: google-research/electra configure_pretraining.py; defaults are its.
"""

import os
from collections.abc import Mapping
from typing import Any

from electra_bench.config.hparams import COMMON, Translated, check_given, encoder_sizes

DEFAULTS = COMMON | {
    "do_eval": False,
    "electra_objective": True,
    "electric_objective": False,
    "gen_weight": 1.0,
    "disc_weight": 50.0,
    "mask_prob": 0.15,
    "learning_rate": 5e-4,
    "lr_decay_power": 1.0,
    "num_warmup_steps": 10000,
    "iterations_per_loop": 200,
    "save_checkpoints_steps": 1000,
    "num_train_steps": 1000000,
    "num_eval_steps": 100,
    "keep_checkpoint_max": 5,
    "uniform_generator": False,
    "two_tower_generator": False,
    "untied_generator_embeddings": False,
    "untied_generator": True,
    "generator_layers": 1.0,
    "generator_hidden_size": 0.25,
    "disallow_correct": False,
    "temperature": 1.0,
    "train_batch_size": 128,
    "eval_batch_size": 128,
    "pretrain_tfrecords": None,
}
DEBUG = {
    "train_batch_size": 8,
    "num_train_steps": 20,
    "eval_batch_size": 4,
    "iterations_per_loop": 1,
    "num_eval_steps": 2,
}
# Said, but without a counterpart: what they are for happens otherwise here.
WITHOUT_MEANING = ("iterations_per_loop", "eval_batch_size", "vocab_size")
# Keeps all checkpoints, as 0 and None do in the original.
ALL = 10**9


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
    check_given(given, DEFAULTS)
    hparams = DEFAULTS | (DEBUG if given.get("debug") else {})
    if given.get("model_size", "small") == "small":
        hparams["embedding_size"] = 128
    hparams |= given
    if hparams["do_eval"] and hparams["do_train"]:
        raise ValueError(
            "--hparams: do_train and do_eval are both true; electra-bench evaluate scores"
        )
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
        "DECAY_POWER": hparams["lr_decay_power"],
        "WEIGHT_DECAY": hparams["weight_decay_rate"],
        "training.loop.checkpoint_every": hparams["save_checkpoints_steps"],
        "training.loop.keep": keep or ALL,
        "runs.pretrain.eval_batches": hparams["num_eval_steps"],
        "vocabularies.wordpiece.lower_case": hparams["do_lower_case"],
        **encoder_sizes(hparams),
        **_generator(hparams),
    }
    if checkpoint is not None:
        bindings["INIT"] = checkpoint
    notes = [f"{name} has no counterpart" for name in WITHOUT_MEANING if name in given]
    return Translated(
        [f"{key} = {value!r}" for key, value in bindings.items()], model_dir, notes
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


def _generator(hparams: Mapping[str, Any]) -> dict[str, Any]:
    kind = "two_tower" if hparams["two_tower_generator"] else "masked_lm"
    kind = "uniform" if hparams["uniform_generator"] else kind
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
    # A generator has a head for every 64 units and four times as wide an inner layer.
    hidden = encoder_sizes(hparams)["models.electra.hidden_size"]
    bindings["generator/models.electra.num_heads"] = max(1, hidden // 64)
    bindings["generator/models.electra.ffn_size"] = 4 * hidden
    bindings["objectives.electra.generator"] = kind
    bindings["objectives.mlm.mask_prob"] = hparams["mask_prob"]
    bindings["objectives.mlm.weight"] = hparams["gen_weight"]
    return bindings
