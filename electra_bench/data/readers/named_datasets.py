"""Data sets by name: those of TensorFlow Datasets and of Hugging Face's `datasets`."""

import contextlib
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers.records import Record

# What `save_to_disk` writes into a folder of splits, and into that of one split.
SAVED_SPLITS, SAVED_SPLIT = "dataset_dict.json", "state.json"
# The libraries' messages may list all that they know.
MAX_MESSAGE = 400


def read_dataset(name: str, split: str) -> list[Record]:
    """Reads a split of a data set of TensorFlow Datasets or Hugging Face's `datasets`.

    What is not there yet, these libraries download. Classes are numbers; in lists, as those
    of tags, they are their names.

    Args:
        name: `tfds:glue/cola` (builder/configuration), looked for in the data folder and
            where the library keeps its data sets, or `hf:nyu-mll/glue@cola`
            (name@configuration), whose name may also be a folder, seen from here or from
            the data folder, of data files or written by `save_to_disk`.
        split: as the data set calls it; the libraries' slices, `train[:10%]`, too.

    Raises:
        ImportError: the library is not installed.
        ValueError: neither prefix, no such data set, configuration or split, or it can
            not be reached.
    """
    library, _, path = name.partition(":")
    load = {"tfds": _tfds, "hf": _hugging_face}.get(library)
    if load is None or not path:
        raise ValueError(f"data set {name!r}: expected 'tfds:NAME' or 'hf:NAME'")
    try:
        records = [
            Record(f"{name}, split {split}, row {number}", fields)
            for number, fields in enumerate(load(path, split), start=1)
        ]
    except ImportError:
        raise
    except Exception as error:
        # The libraries raise errors of their own, and of those that they download with.
        reason = textwrap.shorten(str(error) or type(error).__name__, MAX_MESSAGE)
        raise ValueError(f"data set {name!r}, split {split!r}: {reason}") from error
    if not records:
        raise ValueError(f"data set {name!r}, split {split!r}: no rows")
    return records


def _tfds(path: str, split: str) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    builder = _builder(tfds, path)
    builder.download_and_prepare()
    rows = tfds.as_numpy(builder.as_dataset(split=split))
    return _named_tags(map(_plain, rows), builder.info.features)


def _builder(tfds: Any, path: str) -> Any:
    not_found = tfds.core.registered.DatasetNotFoundError
    folder = run_context.current().data_dir
    if folder:
        with contextlib.suppress(not_found):
            return tfds.core.read_only_builder.builder_from_files(path, data_dir=folder)
    try:
        return tfds.builder(path)
    except not_found as error:
        places = " or ".join(filter(None, (folder, str(tfds.core.constants.DATA_DIR))))
        raise ValueError(
            f"TensorFlow Datasets has none of this name, nor was one prepared in {places}"
        ) from error


def _plain(value: Any) -> Any:
    """Python's own texts, numbers and lists for those of NumPy."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.decode() if isinstance(value, bytes) else value


def _hugging_face(path: str, split: str) -> Iterator[dict[str, Any]]:
    try:
        import datasets
    except ImportError as error:
        raise ImportError(
            f"data set 'hf:{path}' needs Hugging Face's library: pip install datasets"
        ) from error
    name, _, configuration = path.partition("@")
    folder = _folder(name)
    if folder and (folder / SAVED_SPLIT).exists():
        raise ValueError(f"{folder} holds one split without a name, expected splits")
    if folder and (folder / SAVED_SPLITS).exists():
        splits = datasets.load_from_disk(str(folder))
        if configuration or split not in splits:
            raise ValueError(f"{folder} holds the splits {list(splits)}, nothing else")
        dataset = splits[split]
    else:
        source = str(folder or name)
        dataset = datasets.load_dataset(source, configuration or None, split=split)
    return _named_tags(dataset.to_list(), dataset.features)


def _folder(name: str) -> epath.Path | None:
    data_dir = run_context.current().data_dir
    places = [epath.Path(name)] + ([epath.Path(data_dir) / name] if data_dir else [])
    return next((place for place in places if place.is_dir()), None)


def _named_tags(
    rows: Iterable[dict[str, Any]], features: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Rows with names for the numbers in lists of classes; unknown ones are empty."""
    names = {
        column: feature.feature.names
        for column, feature in features.items()
        if hasattr(getattr(feature, "feature", None), "names")
    }
    for row in rows:
        named = {
            column: [known[n] if n >= 0 else "" for n in row[column] or ()]
            for column, known in names.items()
        }
        yield {**row, **named}
