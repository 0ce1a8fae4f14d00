"""Encoders of a registered model, in the roles that objectives have for them."""

import gin

from electra_bench import config, registry
from electra_bench.config.signature import signature_of
from electra_bench.core import Encoder, EncoderFactory, Variables
from electra_bench.core.optional import max_positions_of

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
