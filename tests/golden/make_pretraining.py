"""Copies the numbers that pre-training tests need from the original's recorded ones.

    python tests/golden/make_pretraining.py ../shared/golden

Writes electra_small.npz and .json (variables, batch, draws, losses, updates), helpers.npz,
optimizer.npz and .json, masking.json beside this file. Numbers only.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
KEPT = (
    "features/",
    "mask/",
    "draws/uniform_gumbel",
    "mlm/loss",
    "sample/",
    "fake/",
    "disc/logits",
    "disc/loss",
    "total_loss",
    "grad/l2",
    "step/lr",
    "step/total_loss",
    "step/clip_norm",
    "step/var_l2",
    "step/var_sum",
    "step/adam_v_l2",
)
DESCRIBED = (
    "config",
    "bert_config",
    "variables",
    "variables_with_mathematically_zero_gradient",
    "eval_metrics",
)


def main(golden: Path) -> None:
    """Writes all files."""
    for name in ("helpers.npz", "optimizer.npz", "optimizer.json"):
        shutil.copyfile(golden / name, HERE / name)
    masking = json.loads((golden / "masking.json").read_text())
    counts = {"num_to_predict": masking["num_to_predict"]}
    (HERE / "masking.json").write_text(json.dumps(counts))
    manifest = json.loads((golden / "manifest_pretrain.json").read_text())
    config = manifest["configs"]["electra_small"]
    description = {key: config[key] for key in DESCRIBED}
    (HERE / "electra_small.json").write_text(json.dumps(description))
    recorded = np.load(golden / "pretrain_forward_electra_small.npz")
    arrays = {key: recorded[key] for key in recorded if key.startswith(KEPT)}
    # A corner of the generator's logits stands for all of them.
    arrays["mlm/logits_corner"] = recorded["mlm/logits"][:2, :3, :64]
    reader = tf.train.load_checkpoint(str(golden / config["checkpoint"]))
    for name, _ in config["variables"]:
        arrays[f"variable/{name}"] = reader.get_tensor(name)
    np.savez_compressed(HERE / "electra_small.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
