"""What several roots build: vocabulary, encoder factory, optimizer."""

import functools
import inspect
import os
import shutil
from collections.abc import Sequence
from typing import Any

import gin
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.core import Encoder, EncoderFactory, Objective, SpecialIds, Variables
from electra_bench.core.optional import max_positions_of
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.records import TaskCard
from electra_bench.records.run_record import MODEL_FILE
from electra_bench.system.atomic import atomic_file, write_text
from electra_bench.training.optimizer import build_optimizer
from electra_bench.training.stages import TrainingStage, training_stages
from electra_bench.vocabularies import files

# What an encoder's builder gets from the objective that it is for.
SUPPLIED = (
    *("variables", "name", "vocab_size", "embeddings", "width", "depth"),
    *("direction", "projected"),
)
DIRECTIONS = {"ltr": "left_to_right", "rtl": "right_to_left"}


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
    accepted = inspect.signature(builder).parameters

    def create(
        role="encoder", *, embeddings=None, width=1.0, depth=1.0, projected=True
    ) -> Encoder:
        kind, _, tower = role.partition("_")
        supplied = {
            "variables": variables,
            "name": role if kind == "generator" else "electra",
            "vocab_size": vocab_size,
            "embeddings": embeddings,
            "width": width,
            "depth": depth,
        }
        if tower:
            supplied["direction"] = DIRECTIONS[tower]
        if not projected:
            supplied["projected"] = False
        for name in supplied:
            if name not in accepted:
                raise ValueError(
                    f"the model {model!r} cannot be a {role}: its builder has no "
                    f"parameter {name!r}"
                )
        scope = None if kind == "encoder" else kind
        config.require_bound(f"models.{model}", supplied, scope)
        with gin.config_scope(scope):
            return builder(**supplied)

    return create


def pretraining_objective(
    objective: str, model: str, variables: Variables, special_ids: SpecialIds
) -> Objective:
    """A registered pre-training objective with the encoders of a registered model.

    Raises:
        ConfigError: the model needs a parameter that nothing binds.
        UnknownName: no such objective or model.
    """
    return registry.objectives.get(objective)(
        encoders=encoder_factory(model, variables, special_ids.size),
        variables=variables,
        special_ids=special_ids,
    )


def task_objective(
    cards: Sequence[TaskCard], model: str, variables: Variables, vocabulary: Any
) -> Objective:
    """A task's kind with the encoder of a registered model, or several with one encoder.

    Args:
        cards: the tasks.
        model: registered model.
        variables: creates the variables.
        vocabulary: the run's; a kind whose builder has a parameter of this name gets it.

    Raises:
        ConfigError: the model needs a parameter that nothing binds.
        UnknownName: no such kind or model.
    """
    # Asked for the same encoder again, it gives the one that it has built.
    encoders = functools.cache(
        encoder_factory(model, variables, vocabulary.special_ids.size)
    )

    def kind(card: TaskCard) -> Objective:
        builder = registry.kinds.get(card.kind)
        wanted = "vocabulary" in inspect.signature(builder).parameters
        return builder(
            encoders=encoders,
            variables=variables,
            card=card,
            **({"vocabulary": vocabulary} if wanted else {}),
        )

    if len(cards) == 1:
        return kind(cards[0])
    return MultiTask({card.name: kind(card) for card in cards})


def stages(
    objective: Objective, total_steps: int, frozen: Sequence[str] = (), **given: Any
) -> tuple[TrainingStage, ...]:
    """The stages of a training, with the configured optimizer.

    Args:
        objective: what to train.
        total_steps: updates in all.
        frozen: see `training_stages`.
        **given: parameters of the optimizer that the run sets itself.

    Raises:
        ConfigError: it needs a parameter that nothing binds, or one is bound in vain.
    """
    layers = objective.encoder.num_layers
    return training_stages(
        objective,
        total_steps,
        lambda variables, steps: build_optimizer(variables, steps, layers, **given),
        frozen,
    )


def strategy(batch_size: int) -> tf.distribute.Strategy:
    """The configured strategy.

    Args:
        batch_size: of all replicas together.

    Raises:
        ValueError: the replicas cannot share the batch evenly.
    """
    if batch_size < 1:
        raise ValueError(f"a batch needs at least one example, got {batch_size}")
    built = registry.training.get("strategy")()
    if batch_size % built.num_replicas_in_sync:
        raise ValueError(
            f"batch size {batch_size} cannot be shared by "
            f"{built.num_replicas_in_sync} replicas evenly"
        )
    return built


def save_start(run_dir: str, config_text: str, model: str, tokenizer: Any) -> None:
    """Puts into a run's folder what fine-tuning starts from beside its checkpoint.

    The bindings of model and vocabulary, and the vocabulary's file.

    Args:
        run_dir: the run's folder.
        config_text: its configuration.
        model: registered model.
        tokenizer: of the vocabulary.
    """
    # A discriminator's sizes are those of the model that is fine-tuned.
    lines = [line.removeprefix("discriminator/") for line in config_text.splitlines()]
    wanted = (f"models.{model}.", "vocabularies.")
    kept = [f"{line}\n" for line in lines if line.startswith(wanted)]
    write_text(os.path.join(run_dir, MODEL_FILE), "".join(kept))
    name = "vocab.model" if _kind(tokenizer.path) == "sentencepiece" else "vocab.txt"
    target = os.path.join(run_dir, name)
    if not os.path.exists(target):
        with atomic_file(target) as file, open(tokenizer.path, "rb") as source:
            shutil.copyfileobj(source, file)


def check_length(encoder: Encoder, max_seq_length: int) -> None:
    """Checks that an encoder has positions for the longest sequences.

    Raises:
        ValueError: it has fewer.
    """
    limit = max_positions_of(encoder)
    if limit is not None and max_seq_length > limit:
        raise ValueError(
            f"max_seq_length is {max_seq_length}, but the encoder has positions for "
            f"{limit} tokens (max_positions)"
        )


def check_protocol(protocol: str | None) -> None:
    """Checks that a protocol exists, which the record compares with.

    Raises:
        FileNotFoundError: there is none; lists near names.
    """
    if protocol:
        config.find_gin_file(f"protocols/{protocol}.gin")


def _kind(path: str) -> str:
    """The registered vocabulary that a file is for, by its content."""
    content = files.read_file(path)
    return "sentencepiece" if files.is_sentencepiece(content) else "wordpiece"


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
    path = vocabulary_beside(init)
    if path is None:
        raise FileNotFoundError(
            f"no vocab.txt or vocab.model in {init!r}: give --gin.VOCAB=\"'vocab.txt'\""
        )
    return path


def vocabulary_beside(folder: str | None) -> str | None:
    """The vocabulary file in a run's folder or beside a checkpoint; None without one."""
    for name in ("vocab.txt", "vocab.model"):
        path = os.path.join(folder or "", name)
        if folder and os.path.isfile(path):
            return path
    return None


def open_vocabulary(name: str | None, path: str) -> Any:
    """Builds a registered vocabulary from its file.

    Args:
        name: registered name; None tells WordPiece and SentencePiece apart by content.
        path: its file.
    """
    return registry.vocabularies.get(name or _kind(path))(path=path)
