"""`electra-bench validate`: says what is in order, trains nothing."""

import json
import subprocess
import sys

import pytest
from small_runs import command

from electra_bench.cli.main import main

PLUGIN = """
from electra_bench.registry import models

@models.register("net_of_test")
def net(**sizes):
    raise NotImplementedError
"""


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_a_configuration_in_order(verb, request, capsys, tmp_path):
    bindings = request.getfixturevalue(f"{verb}_bindings")
    assert main(["validate", *command(verb, bindings)[1:]]) == 0
    assert f"valid: {verb}, " in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()


def test_a_task_and_its_data(finetune_bindings, capsys):
    given = [b for b in finetune_bindings if b.startswith(("VOCAB", "DATA_DIR"))]
    flags = [x for binding in given for x in ("--gin_param", binding)]
    assert main(["validate", "task", "cola", *flags]) == 0
    shown = capsys.readouterr().out
    assert "train: 320 of 8,551 examples" in shown
    assert "targets: 0 160 (50.0 %), 1 160 (50.0 %)" in shown
    assert "test: absent: split 'test': none of " in shown
    assert "no text is in two splits" in shown or "texts are in both" in shown
    assert "  [CLS] " in shown and "labels [1]" in shown

    assert main(["validate", "task", "cola", *flags, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["splits"]["dev"]["examples"] == 80
    assert report["splits"]["dev"]["tokens"]["longest"] > 5


def test_a_plugin_is_loaded_once(finetune_bindings, tmp_path):
    plugin = tmp_path / "plugin_of_validate.py"
    plugin.write_text(PLUGIN)
    argv = [
        "validate",
        *command("finetune", finetune_bindings, ["--plugin", str(plugin)])[1:],
    ]
    # In a process of its own: what a plugin registers stays registered.
    done = subprocess.run(
        [sys.executable, "-m", "electra_bench", *argv], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "valid: finetune" in done.stdout
