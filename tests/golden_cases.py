"""Recorded pre-training cases: configuration, variables and arrays.

Cases are of two sources: "original" are those that google-research/electra computed, which
are not part of the project; "made" are those that this project computed from random inputs
when it agreed with the original, see `golden/make_pretraining_cases.py`.
"""

import functools
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from electra_bench.core import Batch, Seed, SpecialIds, Variables
from electra_bench.core.batch import own_rows
from electra_bench.core.variables import variable_name
from electra_bench.models.electra import electra as electra_encoder
from electra_bench.objectives.electra import Electra, electra
from electra_bench.objectives.electric import Electric
from electra_bench.objectives.masking import Masked
from electra_bench.objectives.mlm import mlm
from electra_bench.training.adamw import adamw

SPECIAL = SpecialIds(size=520, pad=0, unk=1, cls=2, sep=3, mask=4)
GOLDEN = Path(__file__).parent / "golden"
MADE = GOLDEN / "made"
SOURCES = ("original", "made")
DIRECTIONS = {"ltr": "left_to_right", "rtl": "right_to_left"}


def golden_folder(request, source: str) -> Path:
    """The folder of a source's numbers; skips the test where they are absent."""
    return request.getfixturevalue("shared_golden") if source == "original" else MADE


def with_sources(names, made=None) -> list:
    """Parameters (source, name) of a fixture: all names of the original, and made ones."""
    chosen = [("original", name) for name in names]
    chosen += [("made", name) for name in (names if made is None else made)]
    return [pytest.param(pair, id="-".join(pair)) for pair in chosen]


def initial_values(folder: Path, case: dict) -> Callable[[str], np.ndarray]:
    """Gives the initial value of a variable by its name."""
    if "checkpoint" in case:
        reader = tf.train.load_checkpoint(str(folder / case["checkpoint"]))
        return reader.get_tensor
    shapes = dict(case["variables"])
    return lambda name: made_value(name, shapes[name])


def made_value(name: str, shape) -> np.ndarray:
    """A value that depends on the name alone, float32, so that none needs to be stored."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    centre = float(name.endswith("gamma"))
    return (centre + 0.4 * (random.random(shape) - 0.5)).astype(np.float32)


def gumbel_argmax(weights, uniform) -> tf.Tensor:
    """The samples that the original draws, int32 [batch, preds], by the Gumbel-max trick.

    Args:
        weights: as `proposals` gives them, float32 [batch, preds, vocab].
        uniform: the original's draws in [0, 1), of the same shape.

    Source: google-research/electra pretrain/pretrain_helpers.py `sample_from_softmax`,
    with its two constants.
    """
    noise = -tf.math.log(-tf.math.log(uniform + 1e-9) + 1e-9)
    return tf.argmax(tf.math.log(weights) + noise, -1, output_type=tf.int32)


def dense_norm(gradients) -> tf.Tensor:
    """The global norm of the sums of repeated rows."""
    return tf.linalg.global_norm([tf.convert_to_tensor(g) for g in gradients])


def kept_gradients(names, gradients, whole) -> dict[str, np.ndarray]:
    """What is recorded of gradients: norms and sums, and all entries of some."""
    dense = [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]
    found = zip(names, dense, strict=True)
    return {
        "grad/global_norm_used_by_clip": tf.linalg.global_norm(gradients),
        "grad/global_norm_dense": dense_norm(gradients),
        "grad/l2": np.array([np.linalg.norm(np.float64(g)) for g in dense]),
        "grad/sum": np.array([np.float64(g).sum() for g in dense]),
        **{f"grad/full/{name}": gradient for name, gradient in found if name in whole},
    }


def assert_recorded_norms(gradients, arrays) -> None:
    """Compares the two global norms of the original: with and without repeated rows."""
    for name, norm in {
        "used_by_clip": tf.linalg.global_norm(gradients),
        "dense": dense_norm(gradients),
    }.items():
        expected = arrays[f"grad/global_norm_{name}"]
        np.testing.assert_allclose(norm, expected, rtol=1e-5, err_msg=name)


def assert_same_sum(gradient, expected, name) -> None:
    """The sum of a gradient; entries of both signs nearly cancel, so their size counts."""
    values = np.float64(gradient)
    atol = 1e-4 * np.abs(values).sum()
    np.testing.assert_allclose(values.sum(), expected, rtol=0, atol=atol, err_msg=name)


class Case:
    """One recorded configuration with the original's variables restored."""

    def __init__(self, config: dict, arrays, values):
        """Builds the objective; `values(name)` gives the initial value of a variable."""
        self.config = config["config"]
        self.variables = [name for name, _ in config["variables"]]
        self.shapes = {name: shape for name, shape in config["variables"]}
        self.zero_gradient = set(config["variables_with_mathematically_zero_gradient"])
        self.eval_metrics = config["eval_metrics"]
        self.bert = config["bert_config"]
        self.special = SPECIAL._replace(size=self.bert["vocab_size"])
        self.arrays = arrays
        self._values = values
        self.objective = self._objective()
        self.named = {variable_name(v): v for v in self.objective.trainable_variables}

    @classmethod
    def load(cls, golden: Path, name: str) -> "Case":
        """Reads a case of a folder of recorded numbers."""
        manifest = json.loads((golden / "manifest_pretrain.json").read_text())
        config = manifest["configs"][name]
        arrays = np.load(golden / f"pretrain_forward_{name}.npz")
        return cls(config, arrays, initial_values(golden, config))

    @classmethod
    def load_small(cls) -> "Case":
        """The case whose numbers lie in the tests' own folder."""
        config = json.loads((GOLDEN / "electra_small.json").read_text())
        arrays = np.load(GOLDEN / "electra_small.npz")
        return cls(config, arrays, lambda name: arrays[f"variable/{name}"])

    def _encoder(self, role, *, embeddings=None, width=1.0, depth=1.0, projected=True):
        heads = self.bert["num_attention_heads"]
        kind, _, tower = role.partition("_")
        if kind == "generator":
            # What the binding generator/models.electra.num_heads does: the original
            # always takes heads of 64 for a generator.
            full = self.bert["hidden_size"]
            heads = max(1, full // 64)
        return electra_encoder(
            Variables(1),
            role if kind == "generator" else "electra",
            self.special.size,
            embeddings,
            width,
            depth,
            DIRECTIONS[tower] if tower else "both",
            projected,
            hidden_size=self.bert["hidden_size"],
            num_layers=self.bert["num_hidden_layers"],
            num_heads=heads,
            ffn_size=self.bert["intermediate_size"],
            embedding_size=self.shapes["electra/embeddings/word_embeddings"][1],
            max_positions=self.bert["max_position_embeddings"],
        )

    def _objective(self):
        config = self.config
        if not self.corrupts:
            return mlm(
                self._encoder,
                Variables(1),
                self.special,
                mask_prob=config["mask_prob"],
            )
        method, kind = Electra, "masked_lm"
        if config["electric_objective"]:
            method = functools.partial(Electric, prior="odds")
        if config["two_tower_generator"]:
            kind = "two_tower"
        if config["uniform_generator"]:
            kind = "uniform"
        names = [
            "mask_prob",
            "gen_weight",
            "disc_weight",
            "generator_hidden_size",
            "generator_layers",
            "untied_generator",
            "untied_generator_embeddings",
            "temperature",
            "disallow_correct",
        ]
        return electra(
            self._encoder,
            Variables(1),
            self.special,
            method,
            generator=kind,
            **{n: config[n] for n in names},
        )

    @property
    def corrupts(self) -> bool:
        """Whether an encoder reads what a generator has replaced."""
        return self.config["electra_objective"] or self.config["electric_objective"]

    def reset(self) -> None:
        """Gives all variables their recorded initial values."""
        for name, variable in self.named.items():
            variable.assign(self._values(name))

    def optimizer(self, **settings):
        """The case's optimizer."""
        config = self.config
        return adamw(
            [self.named[name] for name in self.variables],
            config["num_train_steps"],
            peak_lr=config["learning_rate"],
            warmup_steps=config["num_warmup_steps"],
            decay_power=config["lr_decay_power"],
            weight_decay=config["weight_decay_rate"],
            **settings,
        )

    @property
    def batch(self) -> Batch:
        """The recorded batch."""
        ids, mask, segments = (
            tf.constant(self.arrays[f"features/{name}"])
            for name in ("input_ids", "input_mask", "segment_ids")
        )
        rows = ids.shape[0]
        return Batch(
            ids,
            mask,
            segments,
            tf.zeros([rows, 0], tf.int32),
            tf.zeros([rows, 0]),
            tf.zeros([rows], tf.int32),
            tf.range(rows),
            **own_rows(rows),
        )

    @property
    def masked(self) -> Masked:
        """The recorded masking."""
        return Masked(
            *(
                tf.constant(self.arrays[f"mask/{name}"])
                for name in ("input_ids", "positions", "ids", "weights")
            )
        )

    @functools.cached_property
    def first_run(self):
        """`run` with the initial values, which the variables must have."""
        return self.run()

    def run(self, training: bool = False):
        """A forward pass with the recorded draws and its loss terms."""
        if not self.corrupts:
            proposed = self._propose(self.objective.masked_lm, "encoder", training)
            return proposed, self.objective.terms(self.masked, proposed)
        proposed = self._propose(self.objective.generator, "generator", training)
        uniform = tf.constant(self.arrays["draws/uniform_gumbel"])
        probs = self.objective.proposals(self.masked, proposed)
        sampled_ids = gumbel_argmax(probs, uniform)
        forward = self._encode(proposed, sampled_ids, training)
        return forward, self.objective.terms(self.batch, forward)

    def hidden_states(self) -> dict[str, dict[str, tf.Tensor]]:
        """What every network computes of the text that it reads, by its recorded name."""
        objective, config = self.objective, self.config
        if not self.corrupts:
            networks = {"encoder": (objective.encoder, "mask")}
        else:
            networks = {"discriminator": (objective.encoder, "fake")}
        generator = getattr(objective, "generator", None)
        if config["two_tower_generator"]:
            networks["generator_ltr"] = (generator.left_to_right, "features")
            networks["generator_rtl"] = (generator.right_to_left, "features")
        elif hasattr(generator, "encoder"):
            untied = config["untied_generator"]
            name = "generator" if untied else "generator_shared"
            networks[name] = (generator.encoder, "mask")
        return {
            name: self._states(encoder, self.arrays[f"{text}/input_ids"])
            for name, (encoder, text) in networks.items()
        }

    def _states(self, encoder, input_ids) -> dict[str, tf.Tensor]:
        mask, segments = self.batch.input_mask, self.batch.segment_ids
        ids, seed = tf.constant(input_ids), Seed.of(0)
        output = encoder(ids, mask, segments, seed=seed, training=False)
        return {
            "embedding_output": output.embedding,
            "sequence_output": output.sequence,
            "all_layers": tf.stack(output.layers),
            "attention_probs": tf.stack(output.attentions),
        }

    def _propose(self, model, use: str, training: bool = False):
        """What a masked language model says of the recorded masking."""
        seed = Seed.of(0).fold(use)
        return model(self.batch, self.masked, seed=seed, training=training)

    def _encode(self, proposed, sampled_ids, training: bool = False):
        return self.objective.encode(
            self.batch,
            self.masked,
            proposed,
            sampled_ids,
            seed=Seed.of(0),
            training=training,
        )

    def _terms(self):
        """The loss terms with the recorded samples, whatever the generator says."""
        if not self.corrupts:
            return self.run()[1]
        proposed = self._propose(self.objective.generator, "generator")
        forward = self._encode(proposed, tf.constant(self.arrays["sample/ids"]))
        return self.objective.terms(self.batch, forward)

    @functools.cached_property
    def compiled(self):
        """`differentiate` as one graph, for many steps: building it takes longest."""
        return tf.function(self.differentiate, autograph=False)

    def differentiate(self):
        """Loss terms by name and the gradients in the order of `variables`."""
        with tf.GradientTape() as tape:
            terms = self._terms()
            parts = {name: term.value(term.weight) for name, term in terms.items()}
            total = tf.add_n([terms[n].coefficient * parts[n] for n in parts])
        gradients = tape.gradient(total, [self.named[name] for name in self.variables])
        return {**parts, "total": total}, gradients
