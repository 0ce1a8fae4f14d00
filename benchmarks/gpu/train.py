"""Speed of training steps on a machine with TensorFlow for GPUs.

    python benchmarks/gpu/train.py [--only 'base-512-*' ...] [--out gpu.jsonl]

measures rows in order of importance, each in a process of its own, and stops after eight
minutes; it says which rows are left for `--only`. A line of JSON a row: tokens a second and
the share of the peak (what products of large matrices reach in the same precision), peak
memory, seconds of tracing and of the first update, which compiles. On a CPU:

    python benchmarks/gpu/train.py --only 'tiny-*'
"""

import argparse
import json
import resource
import sys
import time

import rows

# How long is timed, and after how many updates the device is waited for.
LEAST_S = 3.0
AHEAD = 5


def main() -> None:
    """Measures the rows, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", help="patterns")
    parser.add_argument("--out", default="gpu.jsonl", help="lines are appended to it")
    parser.add_argument("--batch_size", type=int, help="instead of the rows'")
    parser.add_argument("--gin_param", action="append", default=[])
    parser.add_argument("--here", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measured(args.here, args.gin_param, args.batch_size)))
        return
    names = rows.chosen(args.only)
    command = [sys.executable, *sys.argv, "--here"]
    print(rows.table(rows.in_turn(names, lambda name: [*command, name], args.out)))


def measured(name: str, bindings: list[str], batch_size: int | None) -> dict:
    """Trains some steps; see the module."""
    # Not above: it imports TensorFlow, which the process that waits does not need.
    import steps
    import tensorflow as tf

    from electra_bench.training.peak import peak_flops_per_s

    work = steps.build(rows.row_of(name), bindings, batch_size)
    compiled = work.training.loop.compiles
    update = tf.function(work.update(compiled), autograph=False)
    batches, seed = [work.batch(n) for n in range(4)], tf.constant(0)
    started = time.perf_counter()
    update.get_concrete_function(batches[0], tf.constant(0), seed)
    traced = time.perf_counter()

    def loss(step):
        return update(batches[step % 4], tf.constant(step), seed)["loss"]

    loss(0).numpy()
    first = time.perf_counter()
    loss(1).numpy()
    step, start = 2, time.perf_counter()
    while time.perf_counter() - start < LEAST_S:
        # Some are sent ahead, as training does.
        last = [loss(step + ahead) for ahead in range(AHEAD)][-1]
        step += AHEAD
        last.numpy()
    per_second = (step - 2) * work.size.batch_size / (time.perf_counter() - start)
    memory = peak_bytes()
    return {
        "device": device(),
        "xla": compiled,
        "batch_size": work.size.batch_size,
        "tokens_per_s": round(per_second * work.size.length),
        "peak_share": round(per_second * work.sequence_flops / peak_flops_per_s(), 3),
        "peak_mb": round(memory / 2**20),
        "trace_s": round(traced - started, 1),
        "compile_s": round(first - traced, 1),
    }


def device() -> str:
    """What computes."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")


def peak_bytes() -> int:
    """Most memory that was used: of the first GPU, or of the process on a CPU."""
    import tensorflow as tf

    if tf.config.list_logical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
