"""Benchmarks on a GPU: what they do without one, and without JAX."""

import json
import lzma
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

GPU = Path(__file__).resolve().parents[2] / "benchmarks/gpu"
sys.path.append(str(GPU))

import assigned_memory  # noqa: E402
import rows  # noqa: E402

SMALL = (
    "models.electra.hidden_size = 16",
    "models.electra.num_layers = 1",
    "models.electra.ffn_size = 32",
    "models.electra.embedding_size = 16",
)


def test_what_matters_most_comes_first():
    names = rows.chosen()
    assert names[:2] == ["small-128-bfloat16", "base-512-bfloat16"]
    assert names[-1] == "base-128-float32-without-dropout"
    assert len(names) == 18
    assert rows.chosen(["*-tf32", "small-*"])[:3] == [
        "small-128-bfloat16",
        "small-128-bfloat16-without-dropout",
        "small-128-tf32",
    ]
    with pytest.raises(
        ValueError, match=r"--only huge-\* fits no row; all: small-128-"
    ):
        rows.chosen(["huge-*"])


def test_a_line_is_written_when_it_is_there_and_the_rest_is_left(tmp_path, capsys):
    path = tmp_path / "lines.jsonl"
    programs = {
        "fails": "raise MemoryError('too large')",
        "works": "print('noise'); print('{\"tokens_per_s\": 5}')",
        "takes long": "import time; time.sleep(60)",
        "is not begun": "print('{}')",
    }
    started = time.monotonic()
    lines = rows.in_turn(
        programs, lambda name: [sys.executable, "-c", programs[name]], path, 3.0
    )
    assert time.monotonic() - started < 20
    assert lines == [
        {"row": "fails", "error": "MemoryError: too large"},
        {"row": "works", "tokens_per_s": 5},
    ]
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines
    assert "left for: --only 'takes long' 'is not begun'" in capsys.readouterr().err
    assert rows.table(lines).splitlines()[2:] == [
        "| fails | - | MemoryError: too large |",
        "| works | 5 | - |",
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    command = [sys.executable, str(GPU / "export_step.py"), str(folder)]
    command += ["--only", "tiny-128-float32", "--batch_size", "2", "--check", "2"]
    for binding in SMALL:
        command += ["--gin_param", binding]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "tiny-128-float32"


def test_an_exported_step_and_its_files_agree(exported):
    about = json.loads((exported / "step.json").read_text())
    text = lzma.decompress((exported / "step.mlir.xz").read_bytes()).decode()
    assert "mhlo." not in text
    [main] = re.findall(r"func\.func @main\((.*) -> \((.*)\) {", text)
    arguments, results = (re.findall(r"tensor<([\w]+)>", part) for part in main)
    names = {"int32": "i32", "float32": "f32"}
    arrays = np.load(exported / "arrays.npz")
    for place, (entry, there) in enumerate(
        zip(about["arguments"], arguments, strict=True)
    ):
        parts = [*map(str, entry["shape"]), names[entry["dtype"]]]
        assert "x".join(parts) == there
        if "fill" not in entry and place > about["step"]:
            assert list(arrays[f"argument_{place}"].shape) == entry["shape"]
    for place in range(about["step"]):
        shapes = [arrays[f"batch_{n}_{place}"].shape for n in range(about["batches"])]
        assert {tuple(about["arguments"][place]["shape"])} == set(shapes)
    # The rest of the results are variables, each in its argument's place.
    variables = about["aliases"]
    measured = about["measured"]
    assert sorted(map(int, variables)) == list(range(len(measured), len(results)))
    for result, argument in variables.items():
        assert results[int(result)] == arguments[argument]
        assert f"%arg{argument}: tensor<{arguments[argument]}> " in main[0]
    expected = json.loads((exported / "expected.json").read_text())
    assert [sorted(values) for values in expected] == [measured] * 2


def test_memory_of_more_layers_is_on_a_straight_line():
    few = {"row": "x", "layers": 1, "arguments_mb": 10.0, "temporary_mb": 5.0}
    more = {"row": "x", "layers": 3, "arguments_mb": 14.0, "temporary_mb": 9.0}
    few["all_mb"], more["all_mb"] = 15.0, 23.0
    found = assigned_memory.with_layers([few, more], 12)
    assert found["layers"] == 12
    assert (found["arguments_mb"], found["temporary_mb"]) == (32.0, 27.0)
    assert found["all_mb"] == 59.0
