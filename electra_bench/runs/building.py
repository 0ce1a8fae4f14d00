"""What several roots build: vocabulary, encoder factory, optimizer."""

import os
import shutil
from typing import Any

import gin
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.core import Encoder, EncoderFactory, Variables


def encoder_factory(
    model: str, variables: Variables, vocab_size: int
) -> EncoderFactory:
    """The factory that objectives build encoders with.

    Args:
        model: registered model.
        variables: creates its variables.
        vocab_size: number of tokens.

    Returns:
        The factory; it raises ConfigError if the model needs a parameter that nothing
        binds.

    Raises:
        UnknownName: no such model.
    """
    builder = registry.models.get(model)
    supplied = ("variables", "name", "vocab_size", "embeddings", "width", "depth")

    def create(role="encoder", *, embeddings=None, width=1.0, depth=1.0) -> Encoder:
        scope = None if role == "encoder" else role
        config.require_bound(f"models.{model}", supplied, scope)
        with gin.config_scope(scope):
            return builder(
                variables=variables,
                name="generator" if role == "generator" else "electra",
                vocab_size=vocab_size,
                embeddings=embeddings,
                width=width,
                depth=depth,
            )

    return create


def optimizer(
    trainable: tuple[tf.Variable, ...], total_steps: int, num_layers: int
) -> Any:
    """The configured AdamW.

    Raises:
        ConfigError: it needs a parameter that nothing binds.
    """
    builder = registry.training.get("adamw")
    supplied = ("variables", "total_steps", "num_layers")
    config.require_bound("training.adamw", supplied)
    return builder(variables=trainable, total_steps=total_steps, num_layers=num_layers)


def copy_vocabulary(vocabulary: Any, run_dir: str) -> None:
    """Puts the vocabulary's file into the run's folder, where `find_vocabulary` looks."""
    target = os.path.join(run_dir, os.path.basename(_target_name(vocabulary.path)))
    if not os.path.exists(target):
        shutil.copyfile(vocabulary.path, f"{target}.partial")
        os.replace(f"{target}.partial", target)


def _target_name(path: str) -> str:
    return "vocab.model" if path.endswith(".model") else "vocab.txt"


def find_vocabulary(vocab: str | None, init: str | None) -> str:
    """The path of the vocabulary file.

    Args:
        vocab: given path; None takes the one beside the checkpoint.
        init: folder of the run or of the original's model.

    Raises:
        ValueError: neither is given.
        FileNotFoundError: no such file.
    """
    if vocab:
        if not os.path.isfile(vocab):
            raise FileNotFoundError(f"no vocabulary file {vocab!r} (macro VOCAB)")
        return vocab
    if not init:
        raise ValueError("a vocabulary is needed: give --gin.VOCAB=\"'vocab.txt'\"")
    for name in ("vocab.txt", "vocab.model"):
        path = os.path.join(init, name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(
        f"no vocab.txt or vocab.model in {init!r}: give --gin.VOCAB=\"'vocab.txt'\""
    )


def open_vocabulary(name: str, path: str) -> Any:
    """Builds a registered vocabulary, for instance `wordpiece`, from its file."""
    return registry.vocabularies.get(name)(path=path)
