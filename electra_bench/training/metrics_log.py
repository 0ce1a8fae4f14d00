"""`metrics.jsonl` and TensorBoard."""

import contextlib
import json
import os
import sys
from collections.abc import Mapping

import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from electra_bench.records.metrics_lines import FILE_NAME, read_metrics
from electra_bench.system.atomic import write_text


class MetricsLog(contextlib.AbstractContextManager):
    """Writes one JSON object per logged step, and the same to TensorBoard.

    The lines hold nothing that depends on the clock, so that a run which was interrupted
    leaves the same file as one which was not; speed goes to TensorBoard only.
    """

    def __init__(self, run_dir: str, first_step: int):
        """Opens the file and drops lines beyond `first_step`, which will come again."""
        path = os.path.join(run_dir, FILE_NAME)
        if os.path.exists(path):
            lines, damaged = read_metrics(path)
            kept = [line for line in lines if line["step"] <= first_step]
            if damaged:
                numbers = ", ".join(map(str, damaged))
                print(
                    f"warning: {path}: left out line {numbers}, which is damaged",
                    file=sys.stderr,
                    flush=True,
                )
            write_text(path, "".join(f"{json.dumps(line)}\n" for line in kept))
        else:
            write_text(path, "")  # so that its name is on the disk
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115
        self._writer = tf.summary.create_file_writer(
            os.path.join(run_dir, "tensorboard")
        )

    def write(self, step: int, phase: str, values: Mapping[str, float | str]) -> None:
        """Writes one line.

        Args:
            step: updates done.
            phase: "train" or "eval".
            values: name to value, and names of tasks.
        """
        line = {"step": step, "phase": phase, **values}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self.summarise(step, phase, values)

    def sync(self) -> None:
        """Has all lines on the disk: those before a checkpoint do not come again."""
        os.fsync(self._file.fileno())

    def summarise(self, step: int, phase: str, values: Mapping[str, float]) -> None:
        """Writes values to TensorBoard only."""
        with self._writer.as_default(step=step):
            for name, value in values.items():
                if not isinstance(value, str):
                    tf.summary.scalar(f"{phase}/{name}", value)

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        self._writer.close()


def logged_tokens_per_s(run_dir: str) -> list[float]:
    """The speed in every logged line of a run, which only TensorBoard has.

    Args:
        run_dir: the run's folder.
    """
    events = EventAccumulator(os.path.join(run_dir, "tensorboard"))
    events.Reload()
    return [
        tf.make_ndarray(event.tensor_proto).item()
        for event in events.Tensors("speed/tokens_per_s")
    ]
