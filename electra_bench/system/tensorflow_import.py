"""Importing TensorFlow without its notes on the machine, and without what it need not load.

TensorFlow loads Keras, Keras scikit-learn, TensorFlow Lite JAX where it is installed, and
TensorFlow Text Keras again: two of six seconds. Whoever wants them imports them later:
`tf.keras` is found when it is used.
"""

import contextlib
import importlib
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from typing import Any

# TensorFlow does without them: it tries to import `keras`, which begins with the first.
_SKIPPED = ("keras._tf_keras", "jax")
_LATER = "tensorflow_text.python.keras"


def import_tensorflow() -> None:
    """Imports TensorFlow; what it writes to standard error shows only if it fails.

    Its first lines come from C++ before any log level holds, so the file descriptor is
    redirected for the time of the import.
    """
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        failed = True
        try:
            with _absent(_SKIPPED):
                tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices()
            failed = False
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if failed:
                notes.seek(0)
                sys.stderr.write(notes.read().decode(errors="replace"))
    _import_at_first_use(_LATER)


@contextlib.contextmanager
def _absent(names: tuple[str, ...]) -> Iterator[None]:
    """Lets modules that are not loaded yet seem not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # as documented: absent
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _import_at_first_use(name: str) -> None:
    """Puts a module in another's place, which it loads when it is asked for parts."""
    placeholder = types.ModuleType(name)

    def load(part: str) -> Any:
        if part.startswith("__") and part != "__path__":
            # Whoever looks through all modules has no use for this one.
            raise AttributeError(part)
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]
        return getattr(importlib.import_module(name), part)

    placeholder.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[name] = placeholder
