"""Sizes, names and behaviour of the encoder; the preset gin files."""

import doctest
import importlib
import inspect
import math

import gin
import numpy as np
import pytest
import tensorflow as tf

from electra_bench import config, registry
from electra_bench.core import Seed, SpecialIds, Variables
from electra_bench.core.variables import variable_name
from electra_bench.models.electra import electra
from electra_bench.models.encoder import EncoderSizes
from electra_bench.models.mimetic import sinusoids
from electra_bench.objectives.heads import DiscriminatorHead

electra_module = importlib.import_module(electra.__module__)

SIZES = dict(hidden_size=32, num_layers=2, num_heads=4, ffn_size=64, embedding_size=16)


class Shapes(Variables):
    """Makes shapes instead of variables: the largest models take no memory."""

    def __init__(self):
        super().__init__(0)
        self.made: dict[str, list[int]] = {}

    def _make(self, name, shape, *_):
        self.made[name] = list(shape)
        return tf.TensorSpec(shape, name=name)

    truncated_normal = glorot_uniform = zeros = ones = _make


@pytest.fixture(scope="module")
def encoder():
    return electra(Variables(1), "electra", 50, max_positions=20, **SIZES)


def inputs(batch=3, seq=12):
    rng = np.random.default_rng(0)
    ids = tf.constant(rng.integers(0, 50, [batch, seq]), tf.int32)
    mask = np.ones([batch, seq], np.int32)
    mask[1, 7:] = 0
    return ids, tf.constant(mask), tf.zeros_like(ids)


def test_defaults_are_berts():
    parameters = inspect.signature(electra).parameters
    for name, expected in {
        "max_positions": 512,
        "segment_types": 2,
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "initializer_range": 0.02,
        "mimetic": False,
    }.items():
        assert parameters[name].default == expected, name


def test_output_shapes(encoder):
    output = encoder(*inputs(), seed=Seed.of(0), training=False)
    assert output.sequence.shape == output.embedding.shape == (3, 12, 32)
    assert [layer.shape for layer in output.layers] == [(3, 12, 32)] * 2
    assert [probs.shape for probs in output.attentions] == [(3, 4, 12, 12)] * 2
    assert output.layers[-1] is output.sequence


def test_initial_values_have_the_configured_scale(encoder):
    wide = electra(
        Variables(1), "electra", 50, max_positions=20, initializer_range=0.05, **SIZES
    )
    for narrow, scaled in zip(encoder.variables, wide.variables, strict=True):
        drawn = narrow.shape.rank == 2 and "embeddings_project" not in narrow.name
        expected = narrow * 2.5 if drawn else narrow
        np.testing.assert_allclose(scaled, expected, rtol=1e-5, err_msg=narrow.name)


def test_mimetic_start():
    built = electra(
        Variables(1),
        "electra",
        50,
        max_positions=64,
        initializer_range=0.1,
        mimetic=True,
        **(SIZES | {"embedding_size": 32}),
    )
    values = {variable_name(v): v.numpy() for v in built.variables}
    layers = [f"electra/encoder/layer_{i}/attention/self" for i in range(2)]
    for layer in layers:
        query = values[f"{layer}/query/kernel"]
        np.testing.assert_array_equal(values[f"{layer}/key/kernel"], query)
        assert np.abs(values[f"{layer}/value/kernel"] - query).max() > 0.1
    assert np.any(
        values[f"{layers[0]}/key/kernel"] != values[f"{layers[1]}/key/kernel"]
    )
    positions = values["electra/embeddings/position_embeddings"]
    # Sine and cosine of a position add up to one, so every row is of the same length ...
    np.testing.assert_allclose(
        np.linalg.norm(positions, axis=1), 0.1 * math.sqrt(32), rtol=1e-5
    )
    # ... and the nearer two positions are, the more they are alike.
    alike = positions @ positions[20]
    assert np.argmax(alike) == 20
    assert alike[19] == pytest.approx(alike[21], rel=1e-4)
    assert alike[20] > alike[21] > alike[22] > alike[24] > alike[50]


def test_a_mimetic_generator_starts_with_its_own_queries():
    variables = Variables(1)
    options = {"initializer_range": 0.1, "mimetic": True, **SIZES}
    encoder = electra(variables, "electra", 50, **options)
    generator = electra(variables, "generator", 50, encoder.embeddings, **options)
    [head] = [
        variable.numpy()
        for variable in DiscriminatorHead(variables, "head", 32).variables
        if variable_name(variable).endswith("/dense/kernel")
    ]
    values = {
        variable_name(v): v.numpy() for v in (*encoder.variables, *generator.variables)
    }
    kernel = "/encoder/layer_0/attention/self/{}/kernel"
    query = values["generator" + kernel.format("query")]
    np.testing.assert_array_equal(values["generator" + kernel.format("key")], query)
    assert np.any(query != values["electra" + kernel.format("query")])
    # The prediction head is no part of the encoder.
    assert np.abs(head).max() <= 0.04


@pytest.mark.parametrize("size", [1, 7, 8])
def test_sinusoids(size):
    table = sinusoids(5, size)
    assert table.shape == (5, size) and table.dtype == np.float32
    sines = -(-size // 2)
    np.testing.assert_array_equal(table[0], [0.0] * sines + [1.0] * (size - sines))
    np.testing.assert_allclose(table[:, 0], np.sin(np.arange(5)), rtol=1e-6)


def test_a_mimetic_start_follows_the_seed():
    variables = Variables(1)
    built = electra(variables, "electra", 50, mimetic=True, **SIZES)
    variables.reset(2)
    other = electra(Variables(2), "electra", 50, mimetic=True, **SIZES)
    for reset, made in zip(built.variables, other.variables, strict=True):
        np.testing.assert_array_equal(reset, made, err_msg=made.name)


def test_padding_does_not_reach_the_tokens(encoder):
    ids, mask, segments = inputs()
    long = encoder(ids, mask, segments, seed=Seed.of(0), training=False).sequence
    short = encoder(
        ids[1:2, :7], mask[1:2, :7], segments[1:2, :7], seed=Seed.of(0), training=False
    ).sequence
    np.testing.assert_allclose(long[1:2, :7], short, atol=1e-5)


def test_the_length_may_be_dynamic(encoder):
    spec = tf.TensorSpec([None, None], tf.int32)
    encode = tf.function(
        lambda *x: encoder(*x, seed=Seed.of(0), training=True).sequence,
        input_signature=[spec] * 3,
    )
    assert encode(*inputs(2, 5)).shape == (2, 5, 32)
    assert encode(*inputs(4, 9)).shape == (4, 9, 32)


def test_dropout_depends_on_seed_and_row_only(encoder):
    ids, mask, segments = inputs(4)

    def encode(rows, seed):
        x = (t[rows] for t in (ids, mask, segments))
        return encoder(*x, seed=seed, training=True).sequence

    whole = encode(slice(0, 4), Seed.of(5))
    np.testing.assert_array_equal(whole, encode(slice(0, 4), Seed.of(5)))
    half = encode(slice(2, 4), Seed.of(5, first_row=2))
    np.testing.assert_allclose(whole[2:], half, atol=1e-5)
    assert np.abs(whole - encode(slice(0, 4), Seed.of(6))).max() > 0.1


def test_too_long_a_sequence(encoder):
    with pytest.raises(
        ValueError, match="sequences of 21 tokens .* max_positions is 20"
    ):
        encoder(*inputs(2, 21), seed=Seed.of(0), training=False)


def test_heads_must_divide_the_hidden_size():
    with pytest.raises(ValueError, match="multiple of num_heads, got 32 and 5"):
        electra(Variables(1), "electra", 50, **(SIZES | {"num_heads": 5}))


def test_sizes_must_be_positive():
    with pytest.raises(ValueError, match="'generator' needs layers >= 1, got 0"):
        electra(Variables(1), "generator", 50, depth=0.1, **SIZES)


def test_a_shared_embedding_layer_makes_no_variables(encoder):
    shapes = Shapes()
    generator = electra(shapes, "generator", 50, encoder.embeddings, 0.5, **SIZES)
    assert generator.embeddings is encoder.embeddings
    assert generator.sizes == EncoderSizes(16, 2, 2, 32, 16)
    assert not [name for name in shapes.made if "embeddings/" in name]
    # 16 is the size of the embeddings: nothing to project.
    assert "generator/embeddings_project/kernel" not in shapes.made


def test_initial_values():
    sizes = dict(
        hidden_size=256, num_layers=1, num_heads=4, ffn_size=512, embedding_size=128
    )
    built = electra(Variables(3), "electra", 2000, **sizes)
    named = {variable_name(v): v.numpy() for v in built.trainable_variables}
    limit = math.sqrt(6 / (128 + 256))
    for name, value in named.items():
        if name.endswith(("beta", "bias")):
            assert not value.any(), name
        elif name.endswith("gamma"):
            assert (value == 1).all(), name
        elif name == "electra/embeddings_project/kernel":
            assert np.abs(value).max() == pytest.approx(limit, rel=1e-3)
            assert value.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)
        else:
            # Cut at two standard deviations, which makes it narrower.
            assert np.abs(value).max() <= 0.04, name
            assert value.std() == pytest.approx(0.0176, rel=0.05), name


# Discriminator with its prediction head, vocabulary of 30,522, in millions, as the paper
# rounds: 13.5 -> 14, 109.5 -> 110, 335.1 -> 335.
PUBLISHED = {
    "small": (14, 0),
    "small_pp": (14, 0),
    "electra_small_owt": (14, 0),
    "base": (110, -1),
    "base_pp": (110, -1),
    "large": (335, 0),
    "large_1_75m": (335, 0),
}


@pytest.mark.parametrize("preset", PUBLISHED)
def test_presets_have_the_published_number_of_parameters(preset):
    shapes = Shapes()
    built = _preset(preset, shapes, 30522)
    DiscriminatorHead(shapes, "discriminator_predictions", built.hidden_size)
    millions = sum(math.prod(shape) for shape in shapes.made.values()) / 1e6
    published, digits = PUBLISHED[preset]
    assert round(millions, digits) == published


@pytest.mark.parametrize("preset", ["small", "tiny"])
def test_presets_encode(preset):
    built = _preset(preset, Variables(1), 500)
    output = built(*inputs(2, 8), seed=Seed.of(0), training=True)
    assert np.isfinite(output.sequence).all()


def test_tiny_has_one_encoder_for_both_networks():
    encoder = _preset("tiny", Variables(1), 100)
    assert encoder.hidden_size % encoder.sizes.heads == 0
    roles = []

    def encoders(role, **_):
        roles.append(role)
        return encoder

    special_ids = SpecialIds(size=100, pad=0, unk=1, cls=2, sep=3, mask=4)
    registry.objectives.get("electra")(
        encoders=encoders, variables=Variables(1), special_ids=special_ids
    )
    assert roles == ["discriminator"]


@pytest.mark.parametrize("preset", PUBLISHED)
def test_presets_make_a_generator_of_whole_heads(preset):
    discriminator = _preset(preset, Shapes(), 30522)
    bound = gin.get_bindings("objectives.electra")
    generator = registry.models.get("electra")(
        variables=Shapes(),
        name="generator",
        vocab_size=30522,
        embeddings=discriminator.embeddings,
        width=bound["generator_hidden_size"],
    )
    assert generator.hidden_size % 32 == 0
    assert generator.num_layers == discriminator.num_layers
    assert generator.sizes.ffn == 4 * generator.hidden_size
    expected = {"base": 256, "base_pp": 256, "large": 256, "large_1_75m": 256}
    assert generator.hidden_size == expected.get(preset, generator.hidden_size)


def _preset(name, variables, vocab_size):
    def load(kind, registered):
        registry.REGISTRIES[kind].load(registered)

    kinds = tuple(registry.REGISTRIES)
    config.parse([f"models/{name}.gin"], [], load, registry.load_plugin, kinds)
    return registry.models.get("electra")(
        variables=variables, name="electra", vocab_size=vocab_size
    )


@pytest.mark.parametrize("deviation", [0.0, -0.5])
def test_initial_values_need_a_spread(deviation):
    with pytest.raises(ValueError, match=f"must be above 0, got {deviation}"):
        electra(Variables(1), "electra", 50, initializer_range=deviation, **SIZES)


def test_without_being_asked_an_encoder_has_its_full_size(encoder):
    assert (encoder.hidden_size, encoder.num_layers) == (32, 2)


def test_sizes_of_a_narrower_encoder_are_rounded():
    sizes = EncoderSizes(hidden=32, layers=5, heads=4, ffn=60, embedding=16)
    # 9.6, 18.75, 2.5 and 1.25
    expected = EncoderSizes(hidden=10, layers=2, heads=1, ffn=19, embedding=16)
    assert electra_module.scaled(sizes, 0.3, 0.5) == expected


def test_examples_in_the_documentation():
    assert doctest.testmod(electra_module).failed == 0
