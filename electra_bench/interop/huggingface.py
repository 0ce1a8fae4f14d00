"""Models in Hugging Face's form: config.json, model.safetensors, vocab.txt.

Neither torch nor transformers is needed. Read are ELECTRA and BERT; written is ELECTRA.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save_file

from electra_bench.interop.huggingface_names import their_name
from electra_bench.interop.huggingface_tokenizer import (
    LETTERS,
    ForeignTokenizerError,
    text_options,
)
from electra_bench.interop.huggingface_tokens import added_tokens, added_tokens_decoder
from electra_bench.interop.huggingface_weights import (
    WEIGHTS,
    ForeignModelError,
    read_tensors,
)
from electra_bench.system.atomic import write_json
from electra_bench.system.inventory import damage_of_export
from electra_bench.vocabularies.files import read_file
from electra_bench.vocabularies.text_losses import LONGEST_WORD

MODEL_TYPES = ("electra", "bert")
# What the encoder here computes; another value would be another function.
REQUIRED = {
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
# A parameter of `models.electra` to the field of config.json.
SIZES = {
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "ffn_size": "intermediate_size",
    "embedding_size": "embedding_size",
    "max_positions": "max_position_embeddings",
    "segment_types": "type_vocab_size",
    "dropout": "hidden_dropout_prob",
    "attention_dropout": "attention_probs_dropout_prob",
    "initializer_range": "initializer_range",
}


class ForeignModel(NamedTuple):
    """A model of Hugging Face's in this project's terms.

    Attributes:
        sizes: parameters of `models.electra`.
        vocab_size: rows of the table of word embeddings; a vocabulary may have fewer.
        tensors: the original's names to values.
        dropped: names in the file of what has no counterpart.
        vocab: path of the vocabulary file; None if there is none.
        further_tokens: that the tokeniser adds to those of the file.
        text: parameters of `vocabularies.wordpiece`.
        architecture: class of transformers' that it is of; empty if config.json says none.
        id2label: number, as text, to label of a fine-tuned head; empty without.
    """

    sizes: dict[str, Any]
    vocab_size: int
    tensors: dict[str, np.ndarray]
    dropped: tuple[str, ...]
    vocab: str | None
    further_tokens: tuple[str, ...]
    text: dict[str, Any]
    architecture: str
    id2label: dict[str, str]

    def vocabulary(self) -> bytes:
        """Content of the vocabulary file, with the further tokens; empty without."""
        content = read_file(self.vocab) if self.vocab else b""
        if self.further_tokens and not content.endswith(b"\n"):
            content += b"\n"
        return content + "".join(f"{x}\n" for x in self.further_tokens).encode()


def read_model(folder: str) -> ForeignModel:
    """Reads a model.

    Args:
        folder: with config.json and model.safetensors, or several files and their index.

    Raises:
        FileNotFoundError: a file is missing.
        ForeignModelError: another architecture, a pickle, damaged files, or a tokeniser
            with tokens that WordPiece here has not.
    """
    if damage := damage_of_export(folder):
        raise ForeignModelError(damage)
    config = _read_json(folder, "config.json")
    _check_config(config, folder)
    tensors, dropped = read_tensors(folder)
    sizes = {name: config[field] for name, field in SIZES.items() if field in config}
    sizes.setdefault("embedding_size", sizes["hidden_size"])
    path = os.path.join(folder, "vocab.txt")
    vocab = path if os.path.isfile(path) else None
    added = added_tokens(folder, vocab)
    text = _text_options(folder)
    return ForeignModel(
        sizes,
        config["vocab_size"],
        tensors,
        tuple(dropped),
        vocab,
        added.further,
        text | ({"whole_tokens": added.whole} if added.whole else {}),
        *_head_options(config, folder),
    )


def _read_json(folder: str, name: str) -> dict[str, Any]:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"no {name} in {folder!r}")
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ForeignModelError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise ForeignModelError(f"{path}: expected a JSON object")
    return content


def _check_config(config: Mapping[str, Any], folder: str) -> None:
    kind = config.get("model_type")
    if kind not in MODEL_TYPES:
        raise ForeignModelError(
            f"{folder}: model_type is {kind!r}; expected one of {list(MODEL_TYPES)}"
        )
    for field, expected in REQUIRED.items():
        found = config.get(field, expected)
        if found != expected:
            raise ForeignModelError(
                f"{folder}: {field} is {found!r}, and the encoder here computes "
                f"{expected!r}"
            )
    sizes = ("hidden_size", "num_layers", "num_heads", "ffn_size")
    for field in (*(SIZES[name] for name in sizes), "vocab_size"):
        if field not in config:
            raise ForeignModelError(f"{folder}: config.json has no {field}")


def _head_options(config: Mapping[str, Any], folder: str) -> tuple[str, dict[str, str]]:
    """Architecture, and the labels by their numbers."""
    architectures = config.get("architectures") or [""]
    id2label = config.get("id2label") or {}
    is_table = isinstance(id2label, dict)
    if not is_table or id2label.keys() != {*map(str, range(len(id2label)))}:
        raise ForeignModelError(
            f"{folder}: id2label in config.json must map 0, 1, ... to labels, got "
            f"{id2label!r}"
        )
    labels = {number: str(label) for number, label in id2label.items()}
    return str(architectures[0]), labels


def _text_options(folder: str) -> dict[str, Any]:
    """Parameters of `vocabularies.wordpiece`, as the tokeniser's files say."""
    files = [
        _read_json(folder, name) if os.path.isfile(os.path.join(folder, name)) else None
        for name in ("tokenizer_config.json", "tokenizer.json")
    ]
    names = ("vocab.json", "merges.txt")
    if all(os.path.isfile(os.path.join(folder, name)) for name in names):
        raise ForeignModelError(
            f"{folder}: vocab.json and merges.txt are of a byte-level BPE tokeniser, "
            "expected vocab.txt of WordPiece"
        )
    try:
        return text_options(_read_json(folder, "config.json"), *files)
    except ForeignTokenizerError as error:
        raise ForeignModelError(f"{folder}: {error}") from error


def write_model(
    folder: str,
    *,
    architecture: str,
    sizes: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    labels: Sequence[str] = (),
    text: Mapping[str, Any],
    tokens: Sequence[str] = (),
) -> None:
    """Writes an ELECTRA model.

    Args:
        folder: exists; files in it are replaced.
        architecture: `ElectraForPreTraining` and the like.
        sizes: parameters of `models.electra`.
        tensors: the original's names to values. The softmax over the vocabulary is tied
            to the word embeddings on loading, so it has none.
        labels: of a fine-tuned head.
        text: parameters of `vocabularies.wordpiece`.
        tokens: of the vocabulary, among them those that `text` says are whole.
    """
    converted = {}
    for ours, value in tensors.items():
        theirs = their_name(ours)
        value = value.T if theirs.transposed else value
        converted[theirs.name] = np.ascontiguousarray(value, np.float32)
    save_file(converted, os.path.join(folder, WEIGHTS), metadata={"format": "pt"})
    config = {
        "architectures": [architecture],
        "model_type": "electra",
        "vocab_size": len(tensors["electra/embeddings/word_embeddings"]),
        "pad_token_id": 0,
        **REQUIRED,
        **{field: sizes[name] for name, field in SIZES.items() if name in sizes},
    }
    if labels:
        config["id2label"] = {str(i): name for i, name in enumerate(labels)}
        config["label2id"] = {name: i for i, name in enumerate(labels)}
    write_json(os.path.join(folder, "config.json"), config, indent=2)
    lower = text.get("lower_case", True)
    tokenizer = {
        "tokenizer_class": "ElectraTokenizer",
        "do_lower_case": lower,
        # Without lower-casing none are stripped here.
        "strip_accents": lower and text.get("strip_accents", True),
        LETTERS: text.get("longest_word", LONGEST_WORD),
        **added_tokens_decoder(text.get("whole_tokens") or {}, tokens),
        "model_max_length": sizes.get("max_positions", 512),
    }
    write_json(os.path.join(folder, "tokenizer_config.json"), tokenizer, indent=2)
