"""The original's hyper-parameter dictionaries (`--hparams`): reading, checking, sizes.

Source: google-research/electra util/training_utils.py `get_bert_config`,
model/modeling.py `BertConfig`.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from electra_bench.system.near_names import near_and_all
from electra_bench.system.regular_files import refuse_special

# The defaults that pre-training and fine-tuning share.
COMMON: dict[str, Any] = {
    "debug": False,
    "do_train": True,
    "model_size": "small",
    "model_hparam_overrides": {},
    "embedding_size": None,
    "vocab_size": 30522,
    "do_lower_case": True,
    "max_seq_length": 128,
    "weight_decay_rate": 0.01,
    "use_tpu": False,
    "num_tpu_cores": 1,
    "tpu_job_name": None,
    "tpu_name": None,
    "tpu_zone": None,
    "gcp_project": None,
    "vocab_file": None,
    "model_dir": None,
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
        refuse_special(given)
        if not os.path.isfile(given):
            raise FileNotFoundError(f"--hparams: no file {given!r}, and it is no JSON")
        where = given
        given = Path(given).read_text(encoding="utf-8")
    try:
        found = json.loads(given)
    except ValueError as error:
        raise ValueError(f"{where} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{where}: expected a JSON object, got {type(found).__name__}")
    return found


def check_given(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Checks names and types.

    Args:
        given: what differs from the defaults.
        defaults: the original's.

    Raises:
        ValueError: an unknown key, or a value of another type than the default.
    """
    check_keys(given, defaults, "hparam")
    for key, value in given.items():
        default = defaults[key]
        if default is None or value is None and key == "keep_checkpoint_max":
            continue
        expected = type(default)
        allowed = (int, float) if expected is float else expected
        is_number = isinstance(value, bool) and expected is not bool
        if is_number or not isinstance(value, allowed):
            raise ValueError(
                f"--hparams: {key} is {value!r}; expected {expected.__name__}, as "
                f"{default!r}"
            )


def check_keys(given: Mapping[str, Any], known: Mapping[str, Any], what: str) -> None:
    """Checks names.

    Raises:
        ValueError: an unknown one; lists near ones.
    """
    for key in given:
        if key not in known:
            raise ValueError(
                f"--hparams: unknown {what} {key!r}; {near_and_all(key, sorted(known))}"
            )


def encoder_sizes(hparams: Mapping[str, Any]) -> dict[str, Any]:
    """Bindings of the encoder's sizes, with which `model_hparam_overrides` override.

    Raises:
        ValueError: an unknown size or field.
    """
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
    check_keys(overrides, OVERRIDES, "field of model_hparam_overrides")
    sizes |= overrides
    if hparams["debug"]:
        sizes |= DEBUG_SIZES
    # Heads and inner size follow an overridden hidden size.
    hidden = sizes["hidden_size"]
    sizes.setdefault("num_attention_heads", max(1, hidden // 64))
    sizes.setdefault("intermediate_size", 4 * hidden)
    bindings = {f"models.electra.{OVERRIDES[name]}": x for name, x in sizes.items()}
    bindings["models.electra.embedding_size"] = hparams["embedding_size"] or hidden
    return bindings
