"""Runs exported training steps on the first device that JAX has; needs jax and numpy only.

    python run_step.py FOLDER [--only 'base-512-*' ...] [--out gpu_jax.jsonl]

FOLDER is what `export_step.py` wrote; `rows.py` lies beside this file. Rows are run in
order of importance, each in a process of its own, and after eight minutes it stops and says
which are left for `--only`. A line of JSON a row: tokens a second and the share of the peak
(what products of large matrices reach in the same precision), memory that was used (on a
CPU: by which the process grew) and that XLA assigned, and seconds of compiling.

Where FOLDER has TensorFlow's own numbers, `differs` says by how much the losses, the
gradient's norm and the share of replaced tokens differ at most, relatively, and the weights
at the end, as a part of their largest change; `agrees`, whether the losses do by no more
than `TOLERANCE`.

Made with jax 0.11.2; what compiles StableHLO is not among the functions that JAX promises
to keep.
"""

import argparse
import json
import lzma
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import rows
from jax._src.interpreters import mlir
from jaxlib import xla_client
from jaxlib.mlir import ir

LEAST_S = 3.0
AHEAD = 5
# Largest relative difference from TensorFlow on a CPU, of the loss in any step.
TOLERANCE = {"float32": 1e-4, "tf32": 5e-3, "bfloat16": 2e-2}
# Sizes of the matrices whose products are the peak, and how many follow each other.
ON_CPU, ON_GPU = (2048, 1), (8192, 16)


def main() -> None:
    """Measures the rows that lie in the folder, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=["*"], metavar="ROW")
    parser.add_argument(
        "--out", default="gpu_jax.jsonl", help="lines are appended to it"
    )
    parser.add_argument("--here", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measured(Step(args.folder / args.here))))
        return
    names = [n for n in rows.chosen(args.only) if (args.folder / n).is_dir()]
    command = [sys.executable, *sys.argv, "--here"]
    print(rows.table(rows.in_turn(names, lambda name: [*command, name], args.out)))


class Step:
    """A step that was exported, compiled for the first device."""

    def __init__(self, folder: Path):
        """Compiles it.

        Args:
            folder: of the row.
        """
        self.about = json.loads((folder / "step.json").read_text())
        self.arrays = np.load(folder / "arrays.npz")
        expected = folder / "expected.json"
        self.expected = json.loads(expected.read_text()) if expected.exists() else []
        self.device = jax.devices()[0]
        text = lzma.decompress((folder / "step.mlir.xz").read_bytes()).decode()
        started = time.perf_counter()
        with mlir.make_ir_context() as context, ir.Location.unknown(context):
            self._executable = self.device.client.compile_and_load(
                ir.Module.parse(text),
                xla_client.DeviceList((self.device,)),
                xla_client.CompileOptions(),
            )
        self.compile_s = time.perf_counter() - started

    def assigned(self) -> int:
        """Bytes that XLA assigns: arguments, results that take nobody's place, and what
        stands in between.
        """
        stats = self._executable.get_compiled_memory_stats()
        results = stats.output_size_in_bytes - stats.alias_size_in_bytes
        return stats.argument_size_in_bytes + results + stats.temp_size_in_bytes

    def start(self) -> list[jax.Array]:
        """The first values of all arguments."""
        return [
            jax.device_put(self.first_value(place), self.device)
            for place in range(len(self.about["arguments"]))
        ]

    def first_value(self, place: int) -> np.ndarray:
        """The first value of one argument."""
        entry = self.about["arguments"][place]
        shape, dtype = entry["shape"], entry["dtype"]
        if place < self.about["step"]:
            return self.arrays[f"batch_0_{place}"]
        if "fill" in entry:
            return np.full(shape, entry["fill"], dtype)
        if "std" in entry:
            random = np.random.default_rng(place)
            return random.standard_normal(shape, np.float32) * np.float32(entry["std"])
        return self.arrays[f"argument_{place}"]

    def batches(self) -> list[list[jax.Array]]:
        """The batches, each as its first arguments."""
        return [
            [
                jax.device_put(self.arrays[f"batch_{n}_{place}"], self.device)
                for place in range(self.about["step"])
            ]
            for n in range(self.about["batches"])
        ]

    def run(self, state: list[jax.Array]) -> list[jax.Array]:
        """One update of `state`, in its place; returns what is measured."""
        results = self._executable.execute_sharded(state)
        arrays = [x[0] for x in results.disassemble_into_single_device_arrays()]
        for result, argument in self.about["aliases"].items():
            state[argument] = arrays[int(result)]
        return arrays[: len(self.about["measured"])]


def measured(step: Step) -> dict[str, object]:
    """Checks and times a step; see the module."""
    about = step.about
    before = 0 if step.device.memory_stats() else from_here_on()
    state, batches, first = step.start(), step.batches(), about["step"]

    def update(number: int) -> list[jax.Array]:
        state[:first] = batches[number % len(batches)]
        state[first] = jax.device_put(np.int32(number), step.device)
        return step.run(state)

    seen = [update(number) for number in range(max(2, len(step.expected)))]
    seen = [
        dict(zip(about["measured"], map(float, values), strict=True)) for values in seen
    ]
    checked = differences(step, seen, state) if step.expected else {}
    number, start = len(seen), time.perf_counter()
    while time.perf_counter() - start < LEAST_S:
        last = [update(number + ahead) for ahead in range(AHEAD)][-1]
        number += AHEAD
        jax.block_until_ready(last)
    per_second = (number - len(seen)) / (time.perf_counter() - start)
    sequences_per_s = per_second * about["batch_size"]
    found = {
        "device": step.device.device_kind,
        "batch_size": about["batch_size"],
        "tokens_per_s": round(sequences_per_s * about["length"]),
    }
    memory = step.device.memory_stats()
    used = memory["peak_bytes_in_use"] if memory else resident("VmHWM") - before
    found["peak_mb"] = round(used / 2**20)
    share = sequences_per_s * about["sequence_flops"] / peak(about["precision"])
    return {
        **found,
        "assigned_mb": round(step.assigned() / 2**20),
        "peak_share": round(share, 3),
        "compile_s": round(step.compile_s, 1),
        **checked,
    }


def differences(
    step: Step, seen: list[dict[str, float]], state: list[jax.Array]
) -> dict[str, object]:
    """How far a step is from TensorFlow's numbers, after as many updates."""
    found = {}
    for name in ("loss", "gradient_norm", "replaced"):
        here, there = ([v[name] for v in values] for values in (seen, step.expected))
        apart = np.abs(np.subtract(here, there)) / np.abs(there)
        found[name] = float(f"{apart.max():.1e}")
    apart = change = 0.0
    for key in step.arrays:
        if key.startswith("after_"):
            place = int(key.removeprefix("after_"))
            after = step.arrays[key]
            change = max(change, np.abs(after - step.first_value(place)).max())
            apart = max(apart, np.abs(after - np.asarray(state[place])).max())
    found["weights"] = float(f"{apart / change:.1e}")
    agrees = found["loss"] <= TOLERANCE[step.about["precision"]]
    return {"agrees": agrees, "steps_checked": len(seen), "differs": found}


def resident(name: str) -> int:
    """A size of this process in bytes, by its name in Linux's /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def from_here_on() -> int:
    """The resident size, from which on the largest one is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def peak(precision: str) -> float:
    """FLOPs a second of products of large matrices: the best of some."""
    size, count = ON_CPU if jax.devices()[0].platform == "cpu" else ON_GPU
    dtype = jnp.bfloat16 if precision == "bfloat16" else jnp.float32
    exact = "highest" if precision == "float32" else "default"

    @jax.jit
    def products(x, factor):
        for _ in range(count):
            x = jnp.matmul(x, factor, precision=exact)
        return x

    factor = jnp.full((size, size), 1 / size, dtype)
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        products(factor, factor).block_until_ready()
        seconds.append(time.perf_counter() - started)
    return 2.0 * size**3 * count / min(seconds)


if __name__ == "__main__":
    main()
