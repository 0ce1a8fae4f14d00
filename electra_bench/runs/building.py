"""What several roots build: encoders, objectives, what a run's folder starts with."""

import functools
import os
import shutil
from collections.abc import Sequence
from typing import Any

import gin

from electra_bench import config, registry
from electra_bench.config.signature import signature_of
from electra_bench.core import Encoder, EncoderFactory, Objective, SpecialIds, Variables
from electra_bench.core.optional import max_positions_of
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.records import TaskCard
from electra_bench.records.run_record import MODEL_FILE
from electra_bench.system.atomic import atomic_file, write_text
from electra_bench.vocabularies.load import kind_of

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
    accepted = signature_of(builder).parameters

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
        wanted = "vocabulary" in signature_of(builder).parameters
        return builder(
            encoders=encoders,
            variables=variables,
            card=card,
            **({"vocabulary": vocabulary} if wanted else {}),
        )

    if len(cards) == 1:
        return kind(cards[0])
    return MultiTask({card.name: kind(card) for card in cards})


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
    name = "vocab.model" if kind_of(tokenizer.path) == "sentencepiece" else "vocab.txt"
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
