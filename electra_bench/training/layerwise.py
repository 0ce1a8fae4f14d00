"""Lower learning rates for layers near the input."""

from collections.abc import Collection


def multipliers(num_layers: int, decay: float, *, gap: bool) -> dict[str, float]:
    """Factors of the learning rate by what a variable's name contains.

    Args:
        num_layers: of the encoder.
        decay: factor from one layer to the next below, in (0, 1].
        gap: whether the top layer has exponent 2, as in the original, which once had a
            pooler between it and the head; otherwise 1.

    Source: google-research/electra model/optimization.py `_get_layer_lrs`.
    """
    top = 2 if gap else 1
    bottom = decay ** (num_layers + top)
    factors = {"/embeddings/": bottom, "/embeddings_project/": bottom}
    for layer in range(num_layers):
        key = f"encoder/layer_{layer}/"
        factors[key] = decay ** (num_layers - 1 - layer + top)
    return factors | {"task_specific/": 1.0}


def layer_rates(
    names: Collection[str], num_layers: int | None, decay: float | None, *, gap: bool
) -> dict[str, float]:
    """The factor of every variable's learning rate.

    Args:
        names: of the variables.
        num_layers: of the encoder; needed with `decay`.
        decay: see `multipliers`; None gives all the same rate.
        gap: see `multipliers`.

    Raises:
        ValueError: two variables have one name, or a name contains no key, or more than
            one.
    """
    if len(set(names)) != len(names):
        raise ValueError(
            f"variables need different names, got {len(names)} with {len(set(names))} "
            "names"
        )
    if decay is None:
        return dict.fromkeys(names, 1.0)
    if num_layers is None:
        raise ValueError("layer_decay needs num_layers, got None")
    factors = multipliers(num_layers, decay, gap=gap)
    rates = {}
    for name in names:
        keys = [key for key in factors if key in name]
        if len(keys) != 1:
            raise ValueError(
                f"variable {name!r} has {len(keys)} layer-wise learning rates {keys}; "
                f"expected exactly one of {sorted(factors)} in its name"
            )
        rates[name] = factors[keys[0]]
    return rates
