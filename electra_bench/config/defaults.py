"""Values for parameters that nobody has bound."""

from collections.abc import Mapping
from typing import Any

import gin

from electra_bench.config.signature import signature_of


def bind_unbound(selector: str, values: Mapping[str, Any]) -> None:
    """Binds parameters of a builder, unless a file or the command line has.

    Args:
        selector: `models.electra`; gin knows it already.
        values: parameter to value.
    """
    bound = gin.get_bindings(selector, resolve_references=False)
    for name, value in values.items():
        if name not in bound:
            gin.bind_parameter(f"{selector}.{name}", value)


def default_of(key: str) -> Any:
    """The default of a parameter, by the signature of its builder, which is loaded.

    None where there is none.
    """
    selector, _, parameter = key.rpartition("/")[2].rpartition(".")
    try:
        builder = gin.get_configurable(selector)
    except ValueError:
        return None
    found = signature_of(builder).parameters.get(parameter)
    return None if found is None else found.default
