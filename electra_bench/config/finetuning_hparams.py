"""The dictionary of `run_finetuning.py` (`finetune --hparams`) as gin bindings.

Source: google-research/electra configure_finetuning.py; defaults are its.
"""

import os
from collections.abc import Mapping
from typing import Any

from electra_bench.config.hparams import COMMON, Translated, check_given, encoder_sizes

DEFAULTS = COMMON | {
    "log_examples": False,
    "num_trials": 1,
    "do_eval": True,
    "keep_all_models": True,
    "task_names": ["chunk"],
    "learning_rate": 1e-4,
    "layerwise_lr_decay": 0.8,
    "num_train_epochs": 3.0,
    "warmup_proportion": 0.1,
    "save_checkpoints_steps": 1000000,
    "iterations_per_loop": 1000,
    "use_tfrecords_if_existing": True,
    "write_test_outputs": False,
    "n_writes_test": 5,
    "train_batch_size": 32,
    "eval_batch_size": 32,
    "predict_batch_size": 32,
    "double_unordered": True,
    "max_query_length": 64,
    "doc_stride": 128,
    "n_best_size": 20,
    "max_answer_length": 30,
    "answerable_classifier": True,
    "answerable_uses_start_logits": True,
    "answerable_weight": 0.5,
    "joint_prediction": True,
    "beam_size": 20,
    "qa_na_threshold": -2.75,
    "init_checkpoint": None,
}
# What debug mode changes, also for tasks that have settings of their own.
DEBUG = {"num_trials": 1, "train_batch_size": 32, "num_train_epochs": 3.0}
# Said, but without a counterpart: what they are for happens otherwise here.
WITHOUT_MEANING = {
    "log_examples": "electra-bench validate task shows examples",
    "keep_all_models": "every seed has its folder",
    "iterations_per_loop": "the loop finds its pace",
    "use_tfrecords_if_existing": "the cache is keyed by content",
    "write_test_outputs": "electra-bench predict writes them",
    "n_writes_test": "electra-bench predict writes them",
    "eval_batch_size": "it changes no score",
    "predict_batch_size": "it changes no score",
    "vocab_size": "the vocabulary file says it",
}
SPAN_QA = (
    "n_best_size",
    "max_answer_length",
    "answerable_classifier",
    "answerable_uses_start_logits",
    "answerable_weight",
    "joint_prediction",
    "beam_size",
)
# Pairs whose order does not matter, which the original trains on in both orders.
UNORDERED = ("mrpc", "sts")


def finetuning(given: Mapping[str, Any], data_dir: str, model_name: str) -> Translated:
    """Translates the dictionary of `run_finetuning.py`.

    Args:
        given: what differs from the original's defaults.
        data_dir: with `finetuning_data` and `models`.
        model_name: the model lies in `models/<name>` of that, and the runs below it.

    Raises:
        ValueError: an unknown key, or a value that means nothing here.
    """
    check_given(given, DEFAULTS)
    debug = DEBUG if given.get("debug") else {}
    hparams = DEFAULTS | _of_tasks(given) | _of_size(given) | debug | dict(given)
    if not hparams["do_train"]:
        raise ValueError(
            "--hparams: do_train is false; electra-bench evaluate scores what is trained"
        )
    if hparams["use_tpu"]:
        raise ValueError("--hparams: use_tpu must be false (bind training.strategy)")
    if hparams["num_trials"] < 1:
        raise ValueError(
            f"--hparams: num_trials must be at least 1, got {hparams['num_trials']}"
        )
    tasks = list(hparams["task_names"])
    model = os.path.join(data_dir, "models", model_name)
    bindings = {
        "TASK": tasks[0] if len(tasks) == 1 else tuple(tasks),
        "INIT": hparams["init_checkpoint"] or (None if debug else model),
        "LABEL": model_name,
        "WORKDIR": hparams["model_dir"] or os.path.join(model, "finetuning_models"),
        "DATA_DIR": data_dir,
        "SEED": tuple(range(hparams["num_trials"])),
        "LEARNING_RATE": hparams["learning_rate"],
        "EPOCHS": float(hparams["num_train_epochs"]),
        "runs.finetune.max_seq_length": hparams["max_seq_length"],
        "runs.finetune.batch_size": hparams["train_batch_size"],
        "runs.finetune.weight_decay": hparams["weight_decay_rate"],
        "LAYER_DECAY": hparams["layerwise_lr_decay"] or None,
        "WARMUP_PROPORTION": hparams["warmup_proportion"],
        "training.loop.checkpoint_every": hparams["save_checkpoints_steps"],
        "features.windows.max_query_length": hparams["max_query_length"],
        "features.windows.doc_stride": hparams["doc_stride"],
        "vocabularies.wordpiece.lower_case": hparams["do_lower_case"],
        **{f"kinds.span_qa.{name}": hparams[name] for name in SPAN_QA},
        **encoder_sizes(hparams),
    }
    if hparams["vocab_file"]:
        bindings["VOCAB"] = hparams["vocab_file"]
    elif debug or not os.path.isfile(os.path.join(model, "vocab.txt")):
        bindings["VOCAB"] = os.path.join(data_dir, "vocab.txt")
    if not hparams["double_unordered"]:
        once = {task: ("train", "dev") for task in UNORDERED}
        bindings["runs.finetune.splits"] = {"chunk": ("train_all", "test")} | once
    notes = [
        f"{name} has no counterpart: {why}"
        for name, why in WITHOUT_MEANING.items()
        if name in given
    ]
    if not hparams["do_eval"]:
        notes.append("do_eval is false, but a run is always scored")
    if given.get("qa_na_threshold", -2.75) != -2.75:
        notes.append(
            "qa_na_threshold: scores are at -2.75 and at chosen thresholds; electra-bench "
            "predict --null_threshold applies another one"
        )
    lines = [f"{key} = {value!r}" for key, value in bindings.items()]
    return Translated(lines, model, notes)


def _of_tasks(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the original changes for a single task, by its name."""
    names = given.get("task_names", DEFAULTS["task_names"])
    if len(names) != 1:
        return {}
    if names[0] in ("rte", "sts"):
        return {"num_train_epochs": 10.0}
    # `naturalqs` has neither in its name and gets three epochs of 128 tokens.
    if "squad" in names[0] or "qa" in names[0]:
        return {"max_seq_length": 512, "num_train_epochs": 2.0}
    return {"max_seq_length": 256} if names[0] == "chunk" else {}


def _of_size(given: Mapping[str, Any]) -> dict[str, Any]:
    size = given.get("model_size", "small")
    if size == "large":
        return {"learning_rate": 5e-5, "layerwise_lr_decay": 0.9}
    return {"embedding_size": 128} if size == "small" else {}
