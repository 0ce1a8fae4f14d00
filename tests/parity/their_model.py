"""A program that makes or runs a model of transformers'.

A process of its own, because torch and TensorFlow do not run in the same one.
"""

import sys

import numpy as np
import torch
import transformers

SIZES = dict(
    vocab_size=90,
    embedding_size=24,
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=40,
    # Large, so that a difference shows.
    initializer_range=0.3,
)


def make(kind: str, folder: str) -> None:
    """Writes a model with random values."""
    torch.manual_seed(1)
    config = transformers.ElectraConfig(**SIZES)
    getattr(transformers, kind)(config).save_pretrained(folder)


def run(kind: str, folder: str, inputs: str, output: str) -> None:
    """Writes the model's result for the arrays of a file."""
    model = getattr(transformers, kind).from_pretrained(folder)
    model.eval()
    arrays = {name: torch.tensor(x).long() for name, x in np.load(inputs).items()}
    with torch.no_grad():
        found = model(**arrays)
    if "start_logits" in found:
        first = torch.stack([found["start_logits"], found["end_logits"]], -1)
    else:
        first = found[0] if "logits" not in found else found["logits"]
    np.save(output, first.numpy())


if __name__ == "__main__":
    {"make": make, "run": run}[sys.argv[1]](*sys.argv[2:])
