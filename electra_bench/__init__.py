"""electra_bench: a benchmarking harness for ELECTRA-family text encoders.

    import electra_bench as eb

gives the verbs as functions, see `electra_bench/api.py`. Importing it loads no TensorFlow.
"""

import types
from typing import TYPE_CHECKING, Any

from electra_bench import records

if TYPE_CHECKING:
    from electra_bench.api import (
        evaluate,
        finetune,
        leaderboard,
        predict,
        pretrain,
        score,
    )

__all__ = [
    "evaluate",
    "finetune",
    "leaderboard",
    "predict",
    "pretrain",
    "records",
    "score",
]


class _Records(types.ModuleType):
    """The package `records`, which is the function `api.records` too."""

    def __call__(self, source: Any) -> Any:
        """See `api.records`."""
        return __getattr__("records")(source)


records.__class__ = _Records


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from electra_bench import api

    return getattr(api, name)
