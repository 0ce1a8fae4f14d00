"""The parameters of what gin may bind."""

import functools
import inspect
from collections.abc import Callable
from typing import Any


# It takes a tenth of a millisecond, and configurations have hundreds of parameters.
@functools.cache
def signature_of(builder: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function, or of a class, whether gin has wrapped it or not.

    Of a class that gin has wrapped, Python would tell that of the wrapper's metaclass.
    """
    if inspect.isclass(builder) and "__init__" not in vars(builder):
        builder = builder.__mro__[1]
    return inspect.signature(builder)
