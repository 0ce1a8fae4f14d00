"""Which code made something: part of the keys of caches."""

import hashlib
import importlib.util
from collections.abc import Sequence


def code_version(modules: Sequence[str]) -> str:
    """The hash of modules' source text.

    Args:
        modules: dotted names; the modules themselves are not imported.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: no such module, or one without a source file.
    """
    digest = hashlib.sha256()
    for name in modules:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin:
            raise ModuleNotFoundError(f"no source of module {name!r}")
        with open(spec.origin, "rb") as file:
            source = file.read()
        digest.update(f"{name}:{len(source)}:".encode())
        digest.update(source)
    return digest.hexdigest()[:16]
