"""Makes numbers of pre-training from random inputs, for who has none of the original's.

    PYTHONPATH=tests python tests/golden/make_pretraining_cases.py

Writes made/manifest_pretrain.json and made/pretrain_forward_*.npz beside this file, in the
form of the original's recorded cases but smaller. Computed by the code of commit 4c3f53a,
which passed tests/objectives/test_electra_golden.py with all of the original's numbers; run
it again only where that test passes with them.
"""

import json

import numpy as np
import tensorflow as tf
from golden_cases import MADE, Case, initial_values, kept_gradients

from electra_bench.core.variables import variable_name
from electra_bench.objectives import masking
from electra_bench.objectives.pretrain_metrics import masked_lm_outputs

SEED = 20261130
VOCAB, ROWS, SEQ, PREDS = 64, 3, 14, 4
LENGTHS = (14, 9, 12)
ELECTRA = {
    "electra_objective": True,
    "electric_objective": False,
    "uniform_generator": False,
    "two_tower_generator": False,
    "untied_generator": True,
    "untied_generator_embeddings": False,
    "generator_hidden_size": 0.5,
    "generator_layers": 0.5,
    "temperature": 1.0,
    "disallow_correct": False,
    "mask_prob": 0.3,
    "gen_weight": 1.5,
    "disc_weight": 20.0,
}
ELECTRIC = {"electra_objective": False, "electric_objective": True}
TOWERS = {"two_tower_generator": True}
CHANGES = {
    "electra_tied_all": {"untied_generator": False},
    "electra_disallow_correct": {"disallow_correct": True},
    "electra_temperature": {"temperature": 0.4},
    "electra_uniform": {"uniform_generator": True},
    "electra_untied_emb": {"untied_generator_embeddings": True},
    "electra_two_tower": TOWERS,
    "electric": ELECTRIC | TOWERS | {"temperature": 1.0},
    "mlm": {"electra_objective": False, "gen_weight": 1.0},
}
BERT = {
    "vocab_size": VOCAB,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 16,
}
# Of which all entries of the gradient are kept, where there are such variables.
WHOLE = (
    "electra/embeddings/LayerNorm/gamma",
    "electra/embeddings/token_type_embeddings",
    "electra/encoder/layer_1/attention/self/query/kernel",
    "discriminator_predictions/dense_1/kernel",
    "generator_predictions/output_bias",
    "cloze_predictions/output_bias",
)


def inputs() -> dict[str, np.ndarray]:
    """Batch, masking and draws; the same for all cases."""
    random = np.random.default_rng(SEED)
    mask = (np.arange(SEQ) < np.array(LENGTHS)[:, None]).astype(np.int32)
    ids = random.integers(5, VOCAB, [ROWS, SEQ], np.int32) * mask
    ids[:, 0] = 2
    ids[np.arange(ROWS), np.array(LENGTHS) - 1] = 3
    segments = mask * (np.arange(SEQ) >= np.array([[7], [9], [5]]))
    used = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], bool)
    # One position is drawn twice, as happens.
    positions = np.array([[3, 9, 5, 12], [6, 2, 0, 0], [4, 4, 8, 0]], np.int32)
    masked = masking.mask_positions(
        *map(tf.constant, (ids, positions, used, np.full_like(positions, 4))),
        tf.constant(random.random([ROWS, PREDS]) < 0.85),
    )
    return {
        "features/input_ids": ids,
        "features/input_mask": mask,
        "features/segment_ids": segments.astype(np.int32),
        **{f"mask/{name}": value.numpy() for name, value in masked._asdict().items()},
        "draws/uniform_gumbel": random.random([ROWS, PREDS, VOCAB], np.float32),
    }


def described(changes: dict, given: dict[str, np.ndarray]) -> dict:
    """The configuration of a case with the names and shapes of its variables."""
    sizes = [["electra/embeddings/word_embeddings", [VOCAB, 12]]]
    config = {
        "config": ELECTRA | changes,
        "bert_config": BERT,
        "variables": sizes,
        "variables_with_mathematically_zero_gradient": [],
        "eval_metrics": {},
    }
    variables = [
        [variable_name(v), v.shape.as_list()]
        for v in Case(config, given, None).objective.trainable_variables
    ]
    zero = [name for name, _ in variables if name.endswith("self/key/bias")]
    config["variables"] = variables
    config["variables_with_mathematically_zero_gradient"] = zero
    return config


def outputs(case: Case) -> dict[str, np.ndarray]:
    """What a forward pass gives."""
    forward, terms = case.run()
    found = {f"{name}/loss": t.value(t.weight) for name, t in terms.items()}
    if not case.corrupts:
        return found | {"mlm/logits": forward.logits}
    found["mlm/logits"] = forward.proposed.logits
    if case.config["two_tower_generator"]:
        found["cloze/logits"] = forward.proposed.cloze_logits
    return found | {
        "sample/ids": forward.sampled_ids,
        "fake/input_ids": forward.corrupted.input_ids,
        "fake/labels": case.objective.labels(forward),
        "disc/logits": case.objective.logits(forward),
    }


def derivatives(case: Case) -> dict[str, np.ndarray]:
    """The loss and what is kept of its gradients."""
    losses, gradients = case.differentiate()
    kept = kept_gradients(case.variables, gradients, WHOLE)
    return {"total_loss": losses["total"], **kept}


def metrics(case: Case) -> dict[str, float]:
    """What is measured on held-out text."""
    forward, _ = case.run()
    found = case.objective.metrics()
    if case.corrupts:
        found.update(case.objective.evaluated(case.batch, forward))
    else:
        found.update(masked_lm_outputs(case.masked, forward.logits))
    return {name: float(value) for name, value in found.result().items()}


def main() -> None:
    """Writes all files."""
    given, configs = inputs(), {}
    for name, changes in CHANGES.items():
        config = configs[name] = described(changes, given)
        case = Case(config, given, initial_values(MADE, config))
        case.reset()
        case.arrays = given | {k: np.asarray(v) for k, v in outputs(case).items()}
        arrays = case.arrays | derivatives(case)
        config["eval_metrics"] = metrics(case)
        np.savez_compressed(
            MADE / f"pretrain_forward_{name}.npz",
            **{key: np.asarray(value) for key, value in arrays.items()},
        )
    manifest = json.dumps({"seed": SEED, "configs": configs})
    (MADE / "manifest_pretrain.json").write_text(manifest + "\n")


if __name__ == "__main__":
    main()
