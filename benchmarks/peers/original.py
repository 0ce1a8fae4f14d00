"""How fast google-research/electra pre-trains; needs a clone of it and TensorFlow 2.15.

    git clone https://github.com/google-research/electra
    python original.py --original electra --vocab vocab.txt

Builds the original's own model and optimizer and runs its updates, with random tokens and
without its input. `tensorflow.contrib` is gone since TensorFlow 2; its layer
normalisation, the only part that is used, is computed here as it was there. Prints one
line of JSON like `huggingface.py`.
"""

import argparse
import importlib
import json
import statistics
import sys
import time
import types

import numpy as np
import tensorflow.compat.v1 as tf
from process import peak_mb, since_start

# Of contrib's layer normalisation.
VARIANCE_EPSILON = 1e-12


def main() -> None:
    """Times updates and prints the line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--original", required=True, help="the clone")
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--batch", default="32x128", help="rows x tokens")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    found = measured(args)
    named = {"version": "original", "work": "pretrain", "precision": "float32"}
    print(json.dumps({**named, **found, "peak_mb": peak_mb()}), flush=True)


def measured(args: argparse.Namespace) -> dict[str, float]:
    """Updates of ELECTRA-Small, the first two left out."""
    rows, tokens = map(int, args.batch.split("x"))
    ids = np.random.default_rng(0).integers(1000, vocab_size(args), (rows, tokens))
    train_op, loss = built(args, rows, tokens, tf.constant(ids, tf.int32))
    threads = args.threads or 0
    config = tf.ConfigProto(
        intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
    )
    times, first_s = [], 0.0
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(args.steps + 2):
            clock, processor = time.perf_counter(), time.process_time()
            session.run([train_op, loss])
            first_s = first_s or since_start()
            taken = time.perf_counter() - clock, time.process_time() - processor
            times.append(taken)
    seconds = statistics.median(clock for clock, _ in times[2:])
    return {
        "s_per_step": round(seconds, 4),
        "processor_s_per_step": round(statistics.median(p for _, p in times[2:]), 3),
        "tokens_per_s": round(rows * tokens / seconds),
        "first_update_s": round(first_s, 1),
    }


def built(
    args: argparse.Namespace, rows: int, tokens: int, ids: tf.Tensor
) -> tuple[tf.Operation, tf.Tensor]:
    """The original's training operation and its loss."""
    stand_in_for_contrib()
    sys.path.insert(0, args.original)
    run_pretraining = importlib.import_module("run_pretraining")
    settings = importlib.import_module("configure_pretraining")
    optimization = importlib.import_module("model.optimization")
    config = settings.PretrainingConfig(
        "speed",
        "nowhere",
        vocab_file=args.vocab,
        vocab_size=vocab_size(args),
        max_seq_length=tokens,
        train_batch_size=rows,
    )
    features = {
        "input_ids": ids,
        "input_mask": tf.ones_like(ids),
        "segment_ids": tf.zeros_like(ids),
    }
    model = run_pretraining.PretrainingModel(config, features, True)
    train_op = optimization.create_optimizer(
        model.total_loss,
        config.learning_rate,
        config.num_train_steps,
        weight_decay_rate=config.weight_decay_rate,
        warmup_steps=config.num_warmup_steps,
        lr_decay_power=config.lr_decay_power,
    )
    return train_op, model.total_loss


def stand_in_for_contrib() -> None:
    """Gives the original `tensorflow.contrib.layers.layer_norm`."""

    def layer_norm(inputs, begin_norm_axis, begin_params_axis, scope):
        shape = inputs.shape[begin_params_axis:]
        with tf.variable_scope(scope, default_name="LayerNorm"):
            beta = tf.get_variable("beta", shape, initializer=tf.zeros_initializer())
            gamma = tf.get_variable("gamma", shape, initializer=tf.ones_initializer())
        mean, variance = tf.nn.moments(inputs, [begin_norm_axis], keepdims=True)
        return tf.nn.batch_normalization(
            inputs, mean, variance, beta, gamma, VARIANCE_EPSILON
        )

    contrib = types.ModuleType("tensorflow.contrib")
    contrib.layers = types.ModuleType("tensorflow.contrib.layers")
    contrib.layers.layer_norm = layer_norm
    sys.modules["tensorflow.contrib"] = contrib
    sys.modules["tensorflow.contrib.layers"] = contrib.layers


def vocab_size(args: argparse.Namespace) -> int:
    """Tokens of the vocabulary."""
    with open(args.vocab, encoding="utf-8") as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main()
