"""Commands of README.md and docs/plugins.md, as they are written, in a fresh shell."""

import lzma
import os
import re
import shutil
from pathlib import Path

import pytest
from environments import LEFTOVERS, ROOT, environment, outside, run

ENTER = ". .venv/bin/activate"
# What is done in seconds and needs no data. The plugins' own tests validate them.
SHORT = re.compile(
    r"python3 -m pip install (-e )?\./"
    r"|electra-bench (vocab train|fetch --list|list|describe)\b"
)


def blocks(path: Path) -> list[list[str]]:
    """The commands of each block of shell; what a line continues is put together."""
    found = re.findall(r"^```bash\n(.*?)^```", path.read_text(), re.M | re.S)
    return [
        [
            re.sub(r"\s+#.*", "", line)
            for line in block.replace("\\\n", "").splitlines()
            if line and not line.startswith("#")
        ]
        for block in found
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A folder like a clone of the project after the README's first command."""
    folder = tmp_path_factory.mktemp("clone")
    environment(folder / ".venv")
    shutil.copytree(ROOT / "gin", folder / "gin")
    shutil.copytree(ROOT / "plugins", folder / "plugins", ignore=LEFTOVERS)
    (folder / "corpus").mkdir()
    text = "\n\n".join(f"{word} rain fell on the quiet town" for word in "abcdefgh" * 9)
    (folder / "corpus/text.txt.xz").write_bytes(lzma.compress(text.encode()))
    return folder


def in_a_fresh_shell(commands: list[str], folder: Path) -> str:
    variables = {**outside(folder / "cache"), "PATH": os.defpath}
    return run("sh", "-ec", "\n".join(commands), cwd=folder, env=variables)


def test_every_block_enters_the_environment_that_it_uses():
    for commands in blocks(ROOT / "README.md"):
        if any(command.startswith("electra-bench") for command in commands):
            assert commands[0] == ENTER


def test_the_short_ones_of_the_readme(clone):
    (clone / "vocab.txt").unlink(missing_ok=True)
    tried = []
    for commands in blocks(ROOT / "README.md"):
        short = [command for command in commands if SHORT.match(command)]
        if short:
            shown = in_a_fresh_shell([ENTER, *short], clone)
            tried += short
    assert len(tried) >= 4
    assert "models: albert" in shown
    assert (clone / "vocab.txt").exists()


def test_those_for_a_plugin_of_ones_own(clone):
    shutil.copytree(clone / "plugins/report", clone / "my_plugin")
    setup = clone / "my_plugin/setup.cfg"
    setup.write_text(
        setup.read_text()
        .replace("name = electra-bench-pareto", "name = my-plugin")
        .replace("    pareto =", "    mine =")
    )
    report = clone / "my_plugin/electra_bench_pareto/report.py"
    report.write_text(
        report.read_text().replace('register("pareto")', 'register("mine")')
    )
    (clone / "data").mkdir()
    [commands] = [b for b in blocks(ROOT / "docs/plugins.md") if SHORT.match(b[1])]
    shown = in_a_fresh_shell(commands, clone)
    assert "report mine" in shown and ", 0 failed" in shown
