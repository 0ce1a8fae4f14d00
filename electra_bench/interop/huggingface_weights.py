"""The tensors of a model of Hugging Face's: in one file or several, named as here."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError, deserialize, safe_open

from electra_bench.interop.huggingface_names import TIED, our_name, wrapper

WEIGHTS = "model.safetensors"
# Says which of several files holds which tensor.
INDEX = f"{WEIGHTS}.index.json"
# bfloat16, as safetensors call it.
BF16 = "BF16"
# Endings of files that unpickle, and with it run, what they hold.
PICKLED = (".bin", ".pt", ".pth", ".ckpt")


class ForeignModelError(ValueError):
    """A model that cannot be taken over: says why."""


def is_here(folder: str) -> bool:
    """Whether a folder has weights in safetensors' form."""
    paths = (os.path.join(folder, name) for name in (WEIGHTS, INDEX))
    return any(map(os.path.isfile, paths))


def read_tensors(folder: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Reads the weights of a model.

    Args:
        folder: with model.safetensors, or with the files that
            model.safetensors.index.json names.

    Returns:
        The original's names to values, float32, and the names in the files of what has no
        counterpart.

    Raises:
        FileNotFoundError: no weights, or one of several files is missing.
        ForeignModelError: a pickle, damaged files, an index of other files, names that
            fit several models, or a softmax of its own.
    """
    theirs: dict[str, np.ndarray] = {}
    for path, expected in _files(folder).items():
        found = _read_file(path)
        if expected is not None and found.keys() != expected:
            odd = ", ".join(sorted(found.keys() ^ expected))
            raise ForeignModelError(
                f"{path} and {INDEX} do not agree on where these tensors are: {odd}"
            )
        theirs |= found
    tensors, dropped, tied = {}, [], {}
    for name, bare in _bare_names(theirs, folder).items():
        ours = our_name(bare)
        if bare in TIED:
            tied[name] = theirs[name]
        elif ours is None:
            dropped.append(name)
        else:
            tensors[ours.name] = theirs[name].T if ours.transposed else theirs[name]
    table = tensors.get("electra/embeddings/word_embeddings")
    for name, value in tied.items():
        if table is not None and not np.array_equal(value, table):
            raise ForeignModelError(
                f"{folder}: {name} is not the table of word embeddings; a softmax of "
                "its own has no counterpart here"
            )
    return {name: np.asarray(x, np.float32) for name, x in tensors.items()}, dropped


def _files(folder: str) -> Mapping[str, set[str] | None]:
    """Paths to the names that their tensors must have; None for any."""
    path = os.path.join(folder, WEIGHTS)
    if os.path.isfile(path):
        return {path: None}
    index = os.path.join(folder, INDEX)
    if not os.path.isfile(index):
        _refuse_others(folder)
    try:
        weight_map = json.loads(Path(index).read_text("utf-8"))["weight_map"]
        files: dict[str, set[str]] = {}
        for tensor, name in weight_map.items():
            if os.path.basename(name) != name:
                raise ValueError(f"{name!r} is no file of this folder")
            files.setdefault(os.path.join(folder, name), set()).add(tensor)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ForeignModelError(
            f"{index}: expected {{'weight_map': {{TENSOR: FILE}}}} with files beside it: "
            f"{error}"
        ) from error
    missing = [path for path in files if not os.path.isfile(path)]
    if missing:
        raise FileNotFoundError(f"{index} names {', '.join(missing)}: no such file")
    return files


def _refuse_others(folder: str) -> None:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if name.endswith((*PICKLED, ".bin.index.json")):
            raise ForeignModelError(
                f"{os.path.join(folder, name)} is a pickle, which runs whatever code it "
                f"holds when it is read: expected {WEIGHTS}, as transformers' "
                "save_pretrained writes it"
            )
    others = [name for name in names if name.endswith(".safetensors")]
    hint = f"; it has {', '.join(others)}: rename the model's" if others else ""
    raise FileNotFoundError(f"no {WEIGHTS} in {folder!r}{hint}")


def _read_file(path: str) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, "numpy") as file:
            types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            found = {n: file.get_tensor(n) for n in types if types[n] != BF16}
        if len(found) < len(types):
            found |= _bfloat16_tensors(path)
        return found
    except (SafetensorError, TypeError, AttributeError) as error:
        # The latter two: another type that NumPy lacks, as one of 8 bits.
        raise ForeignModelError(f"{path} cannot be read: {error}") from error


def _bfloat16_tensors(path: str) -> dict[str, np.ndarray]:
    """The tensors of a type that NumPy lacks, and so `safe_open` refuses."""
    return {
        name: np.frombuffer(tensor["data"], tf.bfloat16.as_numpy_dtype).reshape(
            tensor["shape"]
        )
        for name, tensor in deserialize(Path(path).read_bytes())
        if tensor["dtype"] == BF16
    }


def _bare_names(names: Iterable[str], folder: str) -> dict[str, str]:
    """Names in the files to names without what modules around the model put before."""
    try:
        prefix = wrapper(names)
    except ValueError as error:
        raise ForeignModelError(f"{folder}: {error}") from error
    bare = {name: name.removeprefix(prefix) for name in names}
    if len(set(bare.values())) < len(bare):
        twice = [n for n in bare if prefix and n.startswith(prefix) and bare[n] in bare]
        raise ForeignModelError(
            f"{folder} has tensors both with and without {prefix!r} before their names: "
            f"{', '.join(twice)}"
        )
    return bare
