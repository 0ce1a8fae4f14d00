"""Loading TensorFlow without its notes on the machine."""

import importlib
import os
import sys
import tempfile


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
            tensorflow = importlib.import_module("tensorflow")
            tensorflow.config.list_physical_devices()
            failed = False
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if failed:
                notes.seek(0)
                sys.stderr.write(notes.read().decode(errors="replace"))
