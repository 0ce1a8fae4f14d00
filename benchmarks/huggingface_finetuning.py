"""Fine-tunes a model of transformers' on given batches; see beside_huggingface.py.

    python huggingface_finetuning.py FOLDER batches.npz result.npz [--steps 50 --no-dropout]

Imports torch and transformers only; TensorFlow and torch do not run in one process.
"""

import argparse
import os

import numpy as np
import torch
import transformers

BETAS, EPSILON, CLIP_NORM, HEAD_DROPOUT = (0.9, 0.999), 1e-6, 1.0, 0.1


def main() -> None:
    """Trains, predicts, and writes losses, predictions and targets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="the model: config.json, model.safetensors")
    parser.add_argument("batches", help="what beside_huggingface.py wrote")
    parser.add_argument("output", help="file to write")
    parser.add_argument("--steps", type=int, help="so many updates, no scores")
    parser.add_argument("--no-dropout", action="store_true")
    parser.add_argument("--seed", type=int, default=0, help="of dropout")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    arrays = np.load(args.batches)
    options = {}
    if args.no_dropout:
        options = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = transformers.BertModel.from_pretrained(
        args.folder, add_pooling_layer=False, **options
    )
    model = Model(encoder, arrays["kernel"], 0.0 if args.no_dropout else HEAD_DROPOUT)
    losses = train(model, arrays, args.steps)
    results = {"losses": losses}
    if args.steps is None:
        model.eval()
        with torch.no_grad():
            results["outputs"], results["target"] = predict(model, arrays)
    os.makedirs(os.path.dirname(args.output) or ".", exist_ok=True)
    np.savez(args.output, **results)
    print(f"{args.output}: {len(losses)} updates, last loss {losses[-1]:.4f}")


class Model(torch.nn.Module):
    """An encoder with dropout and one dense layer on [CLS]."""

    def __init__(self, encoder: torch.nn.Module, kernel: np.ndarray, dropout: float):
        """Takes the dense layer's initial values, float32 [hidden, outputs]."""
        super().__init__()
        self.encoder = encoder
        self.kernel = torch.nn.Parameter(torch.tensor(kernel))
        self.bias = torch.nn.Parameter(torch.zeros(kernel.shape[1]))
        self.dropout = torch.nn.Dropout(dropout)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Logits or one value, [batch, outputs]."""
        states = self.encoder(
            input_ids=batch["input_ids"],
            attention_mask=batch["input_mask"],
            token_type_ids=batch["segment_ids"],
        ).last_hidden_state
        return self.dropout(states[:, 0]) @ self.kernel + self.bias


def read(arrays, name: str) -> dict[str, torch.Tensor]:
    """One batch."""
    keys = ("input_ids", "input_mask", "segment_ids", "example_id", "target")
    batch = {key: torch.tensor(arrays[f"{name}/{key}"]) for key in keys}
    integers = {k: x.long() for k, x in batch.items() if not x.is_floating_point()}
    return batch | integers


def train(model: Model, arrays, steps: int | None) -> list[float]:
    """Follows the schedule; the loss of every update."""
    total, peak, warmup = arrays["settings"]
    parameters = list(model.parameters())
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    warm = total * warmup
    model.train()
    losses = []
    for step in range(int(min(total, steps or total))):
        batch = read(arrays, f"train/{step}")
        outputs = model(batch)
        if outputs.shape[1] == 1:
            loss = torch.mean((outputs[:, 0] - batch["target"]) ** 2)
        else:
            loss = torch.nn.functional.cross_entropy(outputs, batch["target"])
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, CLIP_NORM)
        rate = peak * (step / warm if step < warm else (total - step) / (total - warm))
        update(parameters, moments, rate, step + 1)
        losses.append(loss.item())
    return losses


def update(parameters, moments, rate: float, step: int) -> None:
    """Adam as in Kingma and Ba 2015, end of section 2: epsilon beside the root of v."""
    first, second = BETAS
    corrected = rate * (1 - second**step) ** 0.5 / (1 - first**step)
    with torch.no_grad():
        for parameter, (m, v) in zip(parameters, moments, strict=True):
            m.lerp_(parameter.grad, 1 - first)
            v.mul_(second).addcmul_(parameter.grad, parameter.grad, value=1 - second)
            parameter.addcdiv_(m, v.sqrt() + EPSILON, value=-corrected)


def predict(model: Model, arrays) -> tuple[np.ndarray, np.ndarray]:
    """Classes or values of the development set, and the right ones."""
    outputs, targets, part = [], [], 0
    while f"dev/{part}/input_ids" in arrays:
        batch = read(arrays, f"dev/{part}")
        found = model(batch)
        outputs.append(found[:, 0] if found.shape[1] == 1 else found.argmax(1))
        targets.append(batch["target"])
        part += 1
    return torch.cat(outputs).numpy(), torch.cat(targets).numpy()


if __name__ == "__main__":
    main()
