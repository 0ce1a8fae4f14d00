"""In how many parts a batch goes through a model that fits no other way."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator

import tensorflow as tf

from electra_bench.system.atomic import write_json
from electra_bench.training.loop import AUTO

# Beside the checkpoints: a run that goes on adds up in the same order.
FILE_NAME = "micro_batches.json"


class OutOfMemory(ValueError):
    """A step does not fit into the device's memory."""


class MicroBatches:
    """The number of parts of one run."""

    def __init__(self, bound: int | str, run_dir: str, name: str):
        """Takes what was found before, if a number is to be found.

        Args:
            bound: the number, or "auto".
            run_dir: keeps what is found.
            name: of the run, for messages.
        """
        self._path = os.path.join(run_dir, FILE_NAME)
        self._name = name
        self._is_bound = bound != AUTO
        self._rows = 1
        self.parts: int | None = int(bound) if self._is_bound else self._kept()

    def find(
        self, attempt: Callable[[int], None], rows: int, say: Callable[[str], None]
    ) -> int:
        """The number; unless it is known, the smallest divisor of a batch that fits.

        Args:
            attempt: computes a step in so many parts.
            rows: of a batch on one device.
            say: takes a sentence where more than one part is needed.

        Raises:
            OutOfMemory: one row at a time does not fit.
        """
        self._rows = rows
        if self.parts is not None:
            return self.parts
        parts = 1
        while True:
            try:
                attempt(parts)
                break
            except tf.errors.ResourceExhaustedError as error:
                parts = self._more(parts, error)
        self._keep(parts)
        if parts > 1:
            size = -(-rows // parts)
            say(
                f"batches of {rows} do not fit into the device's memory and go through "
                f"the model in {parts} parts of {size}; the update is that of the whole "
                "batch"
            )
        return parts

    @contextlib.contextmanager
    def in_memory(self) -> Iterator[None]:
        """Says what may be done about a lack of memory.

        Raises:
            OutOfMemory: in place of TensorFlow's error.
        """
        try:
            yield
        except tf.errors.ResourceExhaustedError as error:
            parts = self.parts or 1
            way = f"bind training.loop.micro_batches to more than {parts}, or to 'auto'"
            if not self._is_bound:
                self._keep(self._more(parts, error))
                way = f"the same command goes on with {self.parts}"
            raise OutOfMemory(
                f"{self._name}: a step does not fit into the device's memory with batches "
                f"in {parts} {'part' if parts == 1 else 'parts'}; {way}"
            ) from error

    def _more(self, parts: int, error: Exception) -> int:
        """The next number of parts of one size, as XLA needs them."""
        if parts >= self._rows:
            raise OutOfMemory(
                f"{self._name}: one row at a time does not fit into the device's memory; "
                "a smaller model or max_seq_length does"
            ) from error
        more = range(parts + 1, self._rows + 1)
        return next(number for number in more if self._rows % number == 0)

    def _kept(self) -> int | None:
        try:
            with open(self._path, encoding="utf-8") as file:
                parts = json.load(file)["parts"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self._path} is damaged; remove it, and the number of parts is found "
                "again"
            ) from error
        return int(parts)

    def _keep(self, parts: int) -> None:
        self.parts = parts
        write_json(self._path, {"parts": parts})
