"""Values for parameters that nobody has bound."""

from collections.abc import Mapping
from typing import Any

import gin


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
