"""What is trained: an objective with its optimizer, under a strategy."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from electra_bench import registry
from electra_bench.config.signature import signature_of
from electra_bench.core import Objective, SpecialIds, Variables
from electra_bench.core.computing import recompute_layers
from electra_bench.core.optional import HasNoPacking, HasTasks
from electra_bench.core.variables import by_name
from electra_bench.kinds.multi_task import MultiTask
from electra_bench.models.encoder import packing
from electra_bench.models.factory import encoder_factory
from electra_bench.records import TaskCard
from electra_bench.training.allocator import keep_freed_memory
from electra_bench.training.batches import TrainingBatches
from electra_bench.training.checkpoints import restore
from electra_bench.training.loop import Loop
from electra_bench.training.measured import Measured, measured
from electra_bench.training.optimizer import build_optimizer
from electra_bench.training.stages import TrainingStage, training_stages
from electra_bench.training.trainer import Trainer
from electra_bench.training.updates import Updates


def pretraining_objective(
    objective: str, model: str, variables: Variables, special_ids: SpecialIds
) -> Objective:
    """A registered pre-training objective with the encoders of a registered model.

    Raises:
        ConfigError: the model needs a parameter that nothing binds.
        UnknownName: no such objective or model.
    """
    return registry.objectives.get(objective)(
        encoders=encoder_factory(model, variables, special_ids.size),
        variables=variables,
        special_ids=special_ids,
    )


def task_objective(
    cards: Sequence[TaskCard], model: str, variables: Variables, vocabulary: Any
) -> Objective:
    """A task's kind with the encoder of a registered model, or several with one encoder.

    Args:
        cards: the tasks.
        model: registered model.
        variables: creates the variables.
        vocabulary: the run's; a kind whose builder has a parameter of this name gets it.

    Raises:
        ConfigError: the model needs a parameter that nothing binds.
        UnknownName: no such kind or model.
    """
    # Asked for the same encoder again, it gives the one that it has built.
    encoders = functools.cache(
        encoder_factory(model, variables, vocabulary.special_ids.size)
    )

    def kind(card: TaskCard) -> Objective:
        builder = registry.kinds.get(card.kind)
        wanted = "vocabulary" in signature_of(builder).parameters
        return builder(
            encoders=encoders,
            variables=variables,
            card=card,
            **({"vocabulary": vocabulary} if wanted else {}),
        )

    if len(cards) == 1:
        return kind(cards[0])
    return MultiTask({card.name: kind(card) for card in cards})


class Training(NamedTuple):
    """An objective and how it is trained, built once for any number of seeds.

    Attributes:
        strategy: under whose scope the rest was built.
        loop: how often it logs, evaluates and keeps.
        variables: made all variables, and gives them their first values again.
        objective: what is trained.
        stages: with the optimizer.
        num_steps: updates.
        train_flops: FLOPs of the whole training by method v2; None if unknown.
    """

    strategy: tf.distribute.Strategy
    loop: Loop
    variables: Variables
    objective: Objective
    stages: tuple[TrainingStage, ...]
    num_steps: int
    train_flops: float | None

    def trainer(self, name: str, keep_at: Sequence[float] = ()) -> Trainer:
        """What trains it.

        Args:
            name: shown while it trains.
            keep_at: fractions of the training whose checkpoints stay.
        """
        return Trainer(
            self.objective,
            self.stages,
            strategy=self.strategy,
            num_steps=self.num_steps,
            settings=self.loop,
            keep_at=keep_at,
            step_flops=self.train_flops and self.train_flops / self.num_steps,
            name=name,
        )

    def measured(self, batches: TrainingBatches, seed: int) -> Measured:
        """What its updates take here; the variables change.

        Args:
            batches: of the training.
            seed: of the run.

        Raises:
            OutOfMemory: an update does not fit into the device's memory.
        """
        updates = Updates(self.stages, self.strategy, self.loop.compiles)
        return measured(updates, batches, self.loop.micro_batches, seed)

    def check_packing(self) -> None:
        """Checks that examples may share rows in this training.

        Raises:
            ValueError: the encoder does not read such batches, the loss would be another
                one, or XLA would have to know how many rows each of several tasks has.
        """
        packing(self.objective.encoder)
        if isinstance(self.objective, HasNoPacking):
            raise ValueError(
                f"{type(self.objective).__name__} cannot be trained with several examples "
                f"in a row, since {self.objective.no_packing}"
            )
        if isinstance(self.objective, HasTasks) and self.loop.compiles:
            raise ValueError(
                "examples of several tasks cannot share rows under XLA, which has to know "
                "how many rows each task has: bind training.loop.xla to False, or "
                "runs.finetune.composition to 'by_length' or 'random'"
            )

    def reset(self, seed: int, checkpoint: str | None) -> None:
        """Gives every variable the value it has at step 0 of a fine-tuning.

        Args:
            seed: of what is not in the checkpoint.
            checkpoint: holds the encoder's variables; None for random values.

        Raises:
            CheckpointError: it does not fit the encoder.
        """
        self.variables.reset(seed)
        for stage in self.stages:
            for slot in stage.optimizer.slots.values():
                slot.assign(tf.zeros_like(slot))
        if checkpoint:
            encoder = by_name(self.objective.encoder)
            restore(checkpoint, encoder, "variables of the encoder")


def strategy_for(batch_size: int) -> tf.distribute.Strategy:
    """The configured strategy.

    Args:
        batch_size: examples in an update, over all replicas.

    Raises:
        ValueError: the replicas cannot share the batch evenly.
    """
    if batch_size < 1:
        raise ValueError(f"a batch needs at least one example, got {batch_size}")
    strategy = registry.training.get("strategy")()
    if batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"batch size {batch_size} cannot be shared by "
            f"{strategy.num_replicas_in_sync} replicas evenly"
        )
    return strategy


def build_training(
    strategy: tf.distribute.Strategy,
    create: Callable[[Variables], Objective],
    budget: Callable[[Objective], tuple[int, float | None]],
    *,
    seed: int = 0,
    frozen: Sequence[str] = (),
    **given: Any,
) -> Training:
    """Builds an objective under a strategy, with the configured loop and optimizer.

    Args:
        strategy: see `strategy_for`.
        create: builds the objective with variables of a seed.
        budget: gives its updates, and the FLOPs that they take; None for unknown.
        seed: of initial values.
        frozen: see `training_stages`.
        **given: parameters of the optimizer that the run sets itself.

    Raises:
        ConfigError: the optimizer needs a parameter that nothing binds, or one is bound in
            vain.
    """
    loop = registry.training.get("loop")()
    recompute_layers(loop.recompute)
    with strategy.scope():
        variables = Variables(seed)
        objective = create(variables)
        num_steps, flops = budget(objective)
        layers = objective.encoder.num_layers
        stages = training_stages(
            objective,
            num_steps,
            lambda trained, steps: build_optimizer(trained, steps, layers, **given),
            frozen,
        )
    return Training(strategy, loop, variables, objective, stages, num_steps, flops)


def _take_memory_as_needed() -> None:
    """Leaves the rest of a GPU's memory to others, and says what was needed."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def prepare() -> None:
    """Sets the process up so that equal runs give equal bits, of the chosen precision.

    Raises:
        ValueError: no such precision.
    """
    keep_freed_memory()
    _take_memory_as_needed()
    registry.training.get("determinism")()
    registry.training.get("precision")().set()
