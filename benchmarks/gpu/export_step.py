"""Writes training steps as StableHLO, for devices where there is JAX and no TensorFlow.

    python benchmarks/gpu/export_step.py FOLDER [--only 'small-*' ...]
    python benchmarks/gpu/export_step.py FOLDER --only 'tiny-*' --check 20

FOLDER/ROW gets the step, lowered by TensorFlow on the CPU (step.mlir.xz), what its
arguments and results are (step.json) and their values (arrays.npz): batches, and weights
with `--check`, which trains that many steps in TensorFlow without XLA and writes what it
measured (expected.json) and the weights that it ended with. Without, weights are drawn anew
where the step is run, with the same standard deviation: enough to be timed.

`run_step.py`, which goes with `rows.py` to the device, reads all that.
"""

import argparse
import json
import lzma
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rows

BATCHES = 3


def main() -> None:
    """Writes the rows, each from a process of its own, for precision belongs to one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", help="patterns")
    parser.add_argument("--check", type=int, default=0, metavar="STEPS")
    parser.add_argument("--batch_size", type=int, help="instead of the rows'")
    parser.add_argument("--gin_param", action="append", default=[])
    parser.add_argument("--here", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        folder = args.folder / args.here
        export(args.here, folder, args.check, args.gin_param, args.batch_size)
        return
    for name in rows.chosen(args.only):
        subprocess.run([sys.executable, *sys.argv, "--here", name], check=True)
        print(args.folder / name, flush=True)


def export(
    name: str,
    folder: Path,
    check: int,
    bindings: Sequence[str] = (),
    batch_size: int | None = None,
) -> None:
    """Writes one row, see the module."""
    # Not above: they import TensorFlow, which the process that waits does not need.
    import steps
    import tensorflow as tf

    work = steps.build(rows.row_of(name), bindings, batch_size)
    batches = [work.batch(number) for number in range(BATCHES)]
    given = (batches[0], tf.constant(0), tf.constant(0))
    # TensorFlow finds out for which device it lowers by drawing a number there.
    tf.random.set_seed(0)
    compiled = tf.function(work.update(True), autograph=False, jit_compile=True)
    function = compiled.get_concrete_function(*given)
    lowered = compiled.experimental_get_compiler_ir(*given)(stage="stablehlo")
    slots = work.training.stages[0].optimizer.slots.values()
    variables = (*work.training.objective.variables, *slots)
    by_handle = {id(v.handle): v for v in variables}
    captured = [by_handle.get(id(x), x) for x in function.captured_inputs]
    # Arguments without elements are not lowered.
    passed = [x for x in (*tf.nest.flatten(given), *captured) if x.shape.num_elements()]
    per_batch = sum(x.shape.num_elements() > 0 for x in batches[0])
    aliases = aliases_of(lowered)
    arguments, arrays = [], {}
    for place, x in enumerate(passed):
        array = x.numpy()
        entry = {"shape": array.shape, "dtype": array.dtype.name}
        if not array.std():
            entry["fill"] = float(array.flat[0])
        elif place in aliases.values() and not check:
            entry["std"] = float(array.std())
        elif place >= per_batch:
            arrays[f"argument_{place}"] = array
        arguments.append(entry)
    for number, batch in enumerate(batches):
        for place, x in enumerate(x for x in batch if x.shape.num_elements()):
            arrays[f"batch_{number}_{place}"] = x.numpy()
    folder.mkdir(parents=True, exist_ok=True)
    with lzma.open(folder / "step.mlir.xz", "wt", preset=1) as file:
        file.write(portable(lowered, aliases))
    described = {
        "row": name,
        "precision": rows.row_of(name).precision,
        "batch_size": work.size.batch_size,
        "length": work.size.length,
        "layers": work.training.objective.encoder.num_layers,
        "sequence_flops": work.sequence_flops,
        "batches": BATCHES,
        # After a batch there are the step and the seed.
        "step": per_batch,
        "arguments": arguments,
        # Results in order; after these the new values of variables.
        "measured": sorted(function.structured_outputs),
        "aliases": aliases,
    }
    (folder / "step.json").write_text(json.dumps(described))
    if check:
        plain = tf.function(work.update(False), autograph=False)
        expected = []
        for number in range(check):
            batch = batches[number % BATCHES]
            logged = plain(batch, tf.constant(number), tf.constant(0))
            expected.append({key: float(value) for key, value in logged.items()})
        (folder / "expected.json").write_text(json.dumps(expected))
        weights = {id(v) for v in work.training.objective.variables}
        for place in aliases.values():
            if id(passed[place]) in weights:
                arrays[f"after_{place}"] = passed[place].numpy()
    np.savez_compressed(folder / "arrays.npz", **arrays)


def aliases_of(lowered: str) -> dict[int, int]:
    """Of every result that is the new value of a variable, the variable's argument."""
    found = re.findall(
        r"parameter_number = (\d+) : i64}, output_index = array<i64: (\d+)>", lowered
    )
    return {int(result): int(argument) for argument, result in found}


def portable(lowered: str, aliases: Mapping[int, int]) -> str:
    """A lowered step without what only the XLA inside TensorFlow reads.

    Args:
        lowered: text of StableHLO with operations and attributes of MHLO.
        aliases: see `aliases_of`; these results take the place of their arguments.

    Returns:
        Text of StableHLO and CHLO.

    Raises:
        ValueError: it has an operation of MHLO that is not known here.
    """
    results = {argument: result for result, argument in aliases.items()}

    def argument(found: re.Match) -> str:
        place = int(found[1])
        if place not in results:
            return found[0]
        return f"{found[0]} {{tf.aliasing_output = {results[place]} : i32}}"

    head, main, body = lowered.partition("func.func @main(")
    arguments, arrow, body = body.partition(" -> ")
    arguments = re.sub(r"%arg(\d+): tensor<\w+>", argument, arguments)
    head = re.sub(r"^module .*$", "module @step {", head, flags=re.M)
    text = "".join([head, main, arguments, arrow, body])
    text = re.sub(r" {mhlo\.frontend_attributes = {[^}]*}}", "", text)
    one = r"mhlo\.%s (%%\w+) : (tensor<\w+>)"
    text = re.sub(one % "erf", r"chlo.erf \1 : \2 -> \2", text)
    # A copy of its own is the compiler's matter.
    text = re.sub(one % "copy", r"stablehlo.reshape \1 : (\2) -> \2", text)
    unknown = sorted(set(re.findall(r"\bmhlo\.\w+", text)))
    if unknown:
        raise ValueError(f"cannot write {', '.join(unknown)} as StableHLO")
    return text


if __name__ == "__main__":
    main()
