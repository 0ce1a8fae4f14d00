"""A profile of some steps, for TensorBoard."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf


class Profile:
    """What TensorFlow does in some steps of a run, and how long it takes."""

    def __init__(
        self, steps: Sequence[int] | None, run_dir: str, say: Callable[[str], None]
    ):
        """Describes it; nothing is recorded yet.

        Args:
            steps: the first and the last, counted from 1; None for none.
            run_dir: it goes to `tensorboard` in there.
            say: takes a sentence when it is written.
        """
        self._first, self._last = steps or (0, 0)
        self._folder = os.path.join(run_dir, "tensorboard")
        self._say = say
        self._is_on = False

    def ahead(self, step: int) -> list[int]:
        """In how many steps after `step` others it begins and ends."""
        return [at - step for at in (self._first - 1, self._last) if at > step]

    @contextlib.contextmanager
    def around(self, step: int) -> Iterator[None]:
        """Around the steps that follow `step` others, which end at the next of `ahead`."""
        if step == self._first - 1:
            tf.profiler.experimental.start(self._folder)
            self._is_on = True
        try:
            yield
        except BaseException:
            self._stop()
            raise

    def after(self, step: int) -> None:
        """Ends it after its last step."""
        if self._is_on and step >= self._last:
            self._stop()
            self._say(
                f"profile of steps {self._first} to {self._last}: tensorboard --logdir "
                f"{self._folder} (needs the package tensorboard-plugin-profile)"
            )

    def _stop(self) -> None:
        if self._is_on:
            self._is_on = False
            tf.profiler.experimental.stop()
