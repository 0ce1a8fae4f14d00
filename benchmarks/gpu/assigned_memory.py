"""Memory of exported training steps on a GPU that is not there, as XLA assigns it.

    pip install --no-deps jax-cuda12-plugin==0.11.2 jax-cuda12-pjrt==0.11.2 \
        nvidia-cuda-nvcc-cu12
    python assigned_memory.py small/base-512-bfloat16 large/base-512-bfloat16 --layers 12

compiles steps that `export_step.py` wrote for an H100 of 80 GB, on a machine without one,
beside jax 0.11.2. A line of JSON a step: MiB of weights and other arguments, of what stands
in between, and of both. With `--layers` the last line is of that many layers, on the
straight line through the steps, which differ in their number of layers only: fewer layers
compile sooner. No step is run.

Kernels are not tuned by trying, since there is nothing to try them on.
"""

import argparse
import json
import lzma
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

import numpy as np

# An H100, as XLA describes it: what the compiler asks a device for.
H100 = """
gpu_device_info {
  cuda_compute_capability { major: 9 }
  core_count: 132
  fpus_per_core: 128
  clock_rate_ghz: 1.98
  memory_bandwidth: 3352320000000
  device_memory_size: 84942979072
  l2_cache_size: 52428800
  threads_per_warp: 32
  threads_per_block_limit: 1024
  threads_per_core_limit: 2048
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  shared_memory_per_block: 49152
  shared_memory_per_block_optin: 232448
  shared_memory_per_core: 233472
  registers_per_block_limit: 65536
  registers_per_core_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 }
runtime_version { major: 12 minor: 8 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
FIELDS = ("arguments_mb", "temporary_mb", "all_mb")


def main() -> None:
    """Prints the lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps", nargs="+", type=Path, help="folders of rows")
    parser.add_argument("--layers", type=int, help="also for so many layers")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        compile_for_gpu(args.steps[0])
        return
    found = []
    for folder in args.steps:
        about = json.loads((folder / "step.json").read_text())
        line = {"row": about["row"], "layers": about["layers"], **assigned(folder)}
        print(json.dumps(line), flush=True)
        found.append(line)
    if args.layers:
        print(json.dumps(with_layers(found, args.layers)))


def with_layers(found: list[dict], layers: int) -> dict[str, object]:
    """The line of so many layers: on the straight line through the first and the last.

    Args:
        found: lines of steps that differ in their number of layers only.
        layers: of the one that is asked for.
    """
    first, last = found[0], found[-1]
    share = (layers - first["layers"]) / (last["layers"] - first["layers"])
    values = {
        name: round(first[name] + share * (last[name] - first[name]), 1)
        for name in FIELDS
    }
    return {"row": last["row"], "layers": layers, "on_the_line": True, **values}


def assigned(folder: Path) -> dict[str, float]:
    """What is assigned to a step, in MiB.

    XLA writes it before it makes kernels, which takes most of the time and is not awaited.

    Raises:
        RuntimeError: the step was not compiled so far.
    """
    arguments = json.loads((folder / "step.json").read_text())["arguments"]
    given = sum(
        math.prod(x["shape"]) * np.dtype(x["dtype"]).itemsize for x in arguments
    )
    with tempfile.TemporaryDirectory() as dump, tempfile.TemporaryFile("w+") as said:
        tools = resources.files("nvidia.cuda_nvcc")
        flags = f"--xla_gpu_autotune_level=0 --xla_gpu_cuda_data_dir={tools}"
        variables = {
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"{flags} --xla_dump_to={dump}",
        }
        with subprocess.Popen(
            [sys.executable, __file__, str(folder), "--here"],
            env={**os.environ, **variables},
            stderr=said,
        ) as compiler:
            while compiler.poll() is None and not total(Path(dump)):
                time.sleep(0.5)
            compiler.kill()
        found = total(Path(dump))
        if not found:
            said.seek(0)
            raise RuntimeError(f"{folder} was not compiled: {said.read()[-2000:]}")
    values = (round(size / 2**20, 1) for size in (given, found - given, found))
    return dict(zip(FIELDS, values, strict=True))


def total(dump: Path) -> int | None:
    """Bytes that XLA's report says; None if it is not written yet."""
    for report in dump.glob("*.step.*memory-usage-report.txt"):
        found = re.search(r"^Total bytes: (\d+)", report.read_text(), re.M)
        if found:
            return int(found[1])
    return None


def compile_for_gpu(folder: Path) -> None:
    """Compiles a step for a GPU that is not there."""
    # Not above: the process that waits does not need them.
    from jax._src.interpreters import mlir
    from jax.experimental import topologies
    from jaxlib import xla_client
    from jaxlib.mlir import ir

    topology = topologies.get_topology_desc(
        platform="cuda", target_config=H100, topology="1x1x1"
    )
    [device] = topology.devices
    text = lzma.decompress((folder / "step.mlir.xz").read_bytes()).decode()
    with mlir.make_ir_context() as context, ir.Location.unknown(context):
        device.client.compile(
            ir.Module.parse(text),
            executable_devices=xla_client.DeviceList((device,)),
            compile_options=xla_client.CompileOptions(),
        )


if __name__ == "__main__":
    main()
