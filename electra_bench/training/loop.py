"""What a run binds of its training loop."""

import dataclasses

import tensorflow as tf

from electra_bench.config.ranges import NotNegative, Positive
from electra_bench.config.roles import Detail, Machine
from electra_bench.registry import training

# Parts of a batch that are found by trying.
AUTO = "auto"


@training.register("loop")
@dataclasses.dataclass(frozen=True)
class Loop:
    """How often the loop does what, in steps, and how a step is computed.

    Attributes:
        log_every: steps between logged lines; a line holds means over them.
        checkpoint_every: steps between checkpoints; 0 for the end only.
        eval_every: steps between evaluations; 0 for the end only.
        keep: newest checkpoints to keep; the best stays too.
        best_metric: evaluation metric that decides which is the best (its mean over
            tasks); None for none. Every evaluation then ends in a checkpoint.
        higher_is_better: its direction.
        micro_batches: parts of a batch that go through the model one after the other, for
            less memory; the update is that of the whole batch. "auto" takes as many as
            are needed, and keeps that number in the run's folder.
        recompute: whether gradients compute a layer once more instead of keeping what is
            inside it: one forward pass more, for less memory.
        xla: whether steps are compiled by XLA; None compiles on GPUs and TPUs.
        profile: first and last step that TensorBoard's profile is taken of; None for none.
    """

    log_every: Detail[Positive[int]] = 50
    checkpoint_every: Detail[NotNegative[int]] = 1000
    eval_every: Detail[NotNegative[int]] = 0
    keep: Machine[Positive[int]] = 2
    best_metric: Machine[str | None] = None
    higher_is_better: Machine[bool] = True
    micro_batches: Machine[int | str] = 1
    recompute: Machine[bool] = False
    xla: Machine[bool | None] = None
    profile: Machine[tuple[int, int] | None] = None

    def __post_init__(self):
        """Checks the numbers.

        Raises:
            ValueError: one is out of range.
        """
        smallest = {"log_every": 1, "checkpoint_every": 0, "eval_every": 0, "keep": 1}
        for name, least in smallest.items():
            value = getattr(self, name)
            if value < least:
                raise ValueError(
                    f"training.loop.{name} must be at least {least}, got {value}"
                )
        parts = self.micro_batches
        if parts != AUTO and not (isinstance(parts, int) and parts >= 1):
            raise ValueError(
                "training.loop.micro_batches must be at least 1, or 'auto'; got "
                f"{parts!r}"
            )
        if self.profile is not None:
            first, last = self.profile
            if not 1 <= first <= last:
                raise ValueError(
                    "training.loop.profile must be a first and a last step, counted from "
                    f"1; got {self.profile!r}"
                )

    @property
    def compiles(self) -> bool:
        """Whether XLA compiles steps, on the devices of this process."""
        if self.xla is not None:
            return self.xla
        kinds = ("GPU", "TPU")
        return any(tf.config.list_logical_devices(kind) for kind in kinds)
