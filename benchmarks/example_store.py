"""Random reads a second: memory-mapped rows, checked and not, against ArrayRecord.

Command: python benchmarks/example_store.py
"""

import functools
import os
import pathlib
import tempfile
import time

import numpy as np
import tensorflow as tf
from array_record.python import array_record_module

from electra_bench.data.examples.store import ExampleStore, ExampleWriter

ROWS = 100_000
READS = 50_000
LENGTH = 128


def main() -> None:
    """Writes the same rows both ways and reads them in random order."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 30_000, (ROWS, LENGTH)).astype(np.uint16)
    order = rng.integers(0, ROWS, READS)
    with tempfile.TemporaryDirectory() as folder:
        with ExampleWriter(os.path.join(folder, "rows")) as writer:
            writer.append_rows("input_ids", rows.ravel(), np.full(ROWS, LENGTH))
        rest = rng.permutation(ROWS)[:READS]
        for name in ("memory-mapped", "memory-mapped, no sums"):
            # Once, so that the system has the file in memory.
            ExampleStore([os.path.join(folder, "rows")]).counts("input_ids", 30_000)
            store = ExampleStore([os.path.join(folder, "rows")])
            for when, numbers in (("first reads", order), ("later reads", rest)):
                read = functools.partial(store.row, "input_ids")
                _report(f"{name}, {when}", read, numbers)
            pathlib.Path(folder, "rows/crc32.json").unlink(missing_ok=True)

        path = os.path.join(folder, "rows.array_record")
        writer = array_record_module.ArrayRecordWriter(path, "group_size:1")
        for row in rows:
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=row))
            example = tf.train.Example(
                features=tf.train.Features(feature={"input_ids": feature})
            )
            writer.write(example.SerializeToString())
        writer.close()
        reader = array_record_module.ArrayRecordReader(path)

        def read(i):
            example = tf.train.Example.FromString(reader.read([i])[0])
            return np.array(example.features.feature["input_ids"].int64_list.value)

        _report("ArrayRecord", read, order)


def _report(name, read, order) -> None:
    start = time.perf_counter()
    for i in order:
        read(int(i))
    print(f"{name}: {len(order) / (time.perf_counter() - start):,.0f} rows/s")


if __name__ == "__main__":
    main()
