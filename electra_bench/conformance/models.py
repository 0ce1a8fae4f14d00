"""What an encoder has to do."""

import functools
import itertools
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from electra_bench import registry
from electra_bench.config.signature import signature_of
from electra_bench.conformance import check, specimens, variables
from electra_bench.conformance.check import NotChecked, Violation, require
from electra_bench.conformance.specimens import ROWS, SEQ
from electra_bench.core import Batch, Embeddings, Encoder, Seed, Variables
from electra_bench.core.optional import HasForwardFlops
from electra_bench.training.layerwise import layer_rates


class ModelCase(NamedTuple):
    """A registered model; its encoders are small.

    Attributes:
        name: registered name.
    """

    name: str

    def build(self, seed: int = 1, **asked) -> Encoder:
        """A new encoder."""
        return specimens.encoder(self.name, Variables(seed), **asked)


@functools.cache
def built(model: ModelCase) -> Encoder:
    """An encoder whose variables nobody changes."""
    return model.build()


def states(encoder: Encoder, batch: Batch, seed: Seed | None = None) -> tf.Tensor:
    """The last states of a batch; with a seed, as in training."""
    return specimens.encode(encoder, batch, seed).sequence


def builds(model: ModelCase) -> None:
    """There is an encoder with what others read of it."""
    encoder = built(model)
    check.require_members(encoder, Encoder)
    for attribute in ("hidden_size", "num_layers"):
        found = getattr(encoder, attribute)
        require(
            isinstance(found, int) and found > 0,
            f"the encoder needs {attribute}, a whole number above 0, got {found!r}",
        )
    check.require_members(encoder.embeddings, Embeddings)
    found = encoder.embeddings.table.shape
    expected = [specimens.SPECIAL.size, encoder.embeddings.size]
    sentence = f"embeddings.table is {found}, expected [vocab, size]: {expected}"
    require(found == expected, sentence)


def returns_float32_of_its_size(model: ModelCase) -> None:
    """All states are [batch, seq, hidden]; probabilities add up to one."""
    encoder = built(model)
    encoded = specimens.encode(encoder, specimens.texts())
    expected = (ROWS, SEQ, encoder.hidden_size)
    count, num_layers = len(encoded.layers), encoder.num_layers
    sentence = f"{count} outputs of layers, but num_layers {num_layers}"
    require(count == num_layers, sentence)
    tensors = {"sequence": encoded.sequence, "embedding": encoded.embedding}
    tensors |= {f"layers[{i}]": layer for i, layer in enumerate(encoded.layers)}
    for name, tensor in tensors.items():
        require(
            tuple(tensor.shape) == expected and tensor.dtype == tf.float32,
            f"{name} is {tensor.dtype.name} {tuple(tensor.shape)}, expected float32 "
            f"[batch, seq, hidden]: {expected}",
        )
    sentence = "sequence is not the output of the last layer"
    require(np.array_equal(encoded.sequence, encoded.layers[-1]), sentence)
    for number, probs in enumerate(encoded.attentions):
        sentence = f"attentions[{number}] do not add up to one over the last axis"
        require(np.allclose(tf.reduce_sum(probs, -1), 1.0, rtol=1e-5), sentence)


def is_the_same_when_compiled(model: ModelCase) -> None:
    """`tf.function` gives what eager execution gives."""
    encoder, batch = built(model), specimens.texts()
    compiled = tf.function(functools.partial(states, encoder), autograph=False)(batch)
    sentence = "tf.function gives other states than eager execution"
    _check_states(compiled, states(encoder, batch), batch, sentence)


def padding_does_not_leak(model: ModelCase) -> None:
    """Columns of padding, and what stands in them, change no token."""
    encoder, batch = built(model), specimens.texts()
    plain = states(encoder, batch)
    wider = specimens.with_columns_of_padding(batch, 8)
    found = states(encoder, wider)[:, :SEQ]
    sentence = "more columns of padding change the states of tokens"
    _check_states(found, plain, batch, sentence)
    junk = batch._replace(input_ids=batch.input_ids + 7 * (1 - batch.input_mask))
    sentence = "ids where input_mask is 0 change the states of tokens"
    _check_states(states(encoder, junk), plain, batch, sentence)


def rows_do_not_see_each_other(model: ModelCase) -> None:
    """A row alone gets what it gets among others."""
    encoder, batch = built(model), specimens.texts()
    whole, alone = states(encoder, batch), specimens.rows_of(batch, 0, 1)
    sentence = "a row has other states alone than in a batch"
    _check_states(states(encoder, alone), whole[:1], alone, sentence)


def _check_states(found, expected, batch, sentence: str) -> None:
    inside = batch.input_mask.numpy() == 1
    difference = np.abs(found.numpy()[inside] - expected.numpy()[inside]).max()
    require(difference < 1e-4, f"{sentence}, by up to {difference:.2g}")


def training_draws_from_the_seed_alone(model: ModelCase) -> None:
    """Two passes with one seed agree; halves of a batch draw as the whole does."""
    encoder, batch = built(model), specimens.texts()
    whole, again = (states(encoder, batch, Seed.of(3)) for _ in range(2))
    _check_states(again, whole, batch, "one seed gives two results in training")
    half = specimens.rows_of(batch, ROWS // 2, ROWS)
    _check_states(
        states(encoder, half, Seed.of(3, 0, ROWS // 2)),
        whole[ROWS // 2 :],
        half,
        "half a batch draws other numbers than the whole: dropout must come from "
        "core.random.dropout, with the encoder's seed",
    )


def gradients_reach_every_variable(model: ModelCase) -> None:
    """A loss of the states depends on all that is trained."""
    encoder, batch = built(model), specimens.texts()
    shape = [ROWS, SEQ, encoder.hidden_size]
    direction = tf.random.stateless_normal(shape, seed=[1, 2])

    def loss() -> tf.Tensor:
        return tf.reduce_sum(states(encoder, batch) * direction)

    variables.check_gradients(loss, encoder.trainable_variables)


def names_of_variables_are_complete(model: ModelCase) -> None:
    """They begin with the role's name, and no two are equal."""
    variables.check_names([*variables.named(built(model))], ["electra/"])


def every_variable_has_a_layer_wise_rate(model: ModelCase) -> None:
    """Fine-tuning with layer-wise learning rates knows them all by name."""
    encoder = built(model)
    try:
        layer_rates(variables.named(encoder), encoder.num_layers, 0.8, gap=True)
    except ValueError as error:
        raise Violation(str(error)) from error


def a_checkpoint_gives_all_values_back(model: ModelCase) -> None:
    """Saved and restored by name, the states are the same."""
    saved, other, batch = model.build(), model.build(seed=2), specimens.texts()
    variables.check_checkpoint(variables.named(saved), variables.named(other))
    sentence = "equal variables give other states"
    _check_states(states(other, batch), states(saved, batch), batch, sentence)


def initial_values_depend_on_the_seed_alone(model: ModelCase) -> None:
    """A second run with the same seed starts from the same values."""

    def build(seed: int) -> tuple[tf.Module, Variables]:
        made = Variables(seed)
        return specimens.encoder(model.name, made), made

    variables.check_initial_values(build)


def serves_as_a_generator(model: ModelCase) -> None:
    """It can be narrower, share embeddings, and be named for its role."""
    shared = built(model).embeddings
    generator = model.build(role="generator", embeddings=shared, width=0.5)
    names = variables.named(generator)
    own = [name for name in names if not name.startswith("electra/embeddings/")]
    variables.check_names(own, ["generator/"])
    found = states(generator, specimens.texts()).shape[-1]
    expected = round(built(model).hidden_size * 0.5)
    sentence = f"with width 0.5 the states have size {found}, expected {expected}"
    require(found == expected, sentence)


def a_tower_sees_one_side_only(model: ModelCase) -> None:
    """Electric's towers read up to a token, or down to it."""
    if "direction" not in signature_of(registry.models.get(model.name)).parameters:
        raise NotChecked(
            "the builder has no parameter 'direction', so the model cannot be a tower of "
            "Electric's generator"
        )
    batch = specimens.texts()
    middle = SEQ // 3  # all rows are longer
    other = tf.where(tf.range(SEQ) == middle, 9, batch.input_ids)
    for role, unseen in {
        "generator_ltr": slice(0, middle),
        "generator_rtl": slice(middle + 1, None),
    }.items():
        tower = model.build(role=role)
        plain = states(tower, batch)
        changed = states(tower, batch._replace(input_ids=other))
        # Padding sees everything: there is nothing that it may see.
        inside = tf.cast(batch.input_mask[..., tf.newaxis], tf.float32)
        difference = np.abs(((changed - plain) * inside).numpy()[:, unseen]).max()
        require(
            difference < 1e-5,
            f"as {role}, tokens change with one that they must not see, by up to "
            f"{difference:.2g}",
        )


def size_and_cost_are_known(model: ModelCase) -> None:
    """Tables show parameters and FLOPs."""
    encoder = built(model)
    require(encoder.trainable_variables, "the encoder has no trainable variables")
    if not isinstance(encoder, HasForwardFlops):
        raise NotChecked("the encoder has no forward_flops, so tables show no FLOPs")
    costs = [encoder.forward_flops(length) for length in (16, 32, 64)]
    require(
        costs[0] > 0 and all(2 * a <= b for a, b in itertools.pairwise(costs)),
        f"forward_flops of 16, 32 and 64 tokens are {costs}: expected numbers above 0 that "
        "at least double",
    )


CHECKS = check.defined_in(__name__, ModelCase)
