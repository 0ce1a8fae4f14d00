"""The distributions of plugins/, installed outside the checkout: their own tests pass."""

import ast
import configparser
import io
import re
import shutil
import sys
import tokenize
from pathlib import Path

import pytest
from environments import LEFTOVERS, ROOT, environment, outside, run

PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/setup.cfg"))
MAX_CODE_LINES = 60
DESCRIBE = """
import sys
from electra_bench.cli.main import main
for command in sys.argv[1:]:
    assert main(command.split()) == 0, command
"""
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def name_of(plugin: Path) -> str:
    setup = configparser.ConfigParser()
    setup.read(plugin / "setup.cfg")
    return setup["metadata"]["name"]


@pytest.mark.timeout(900)
def test_their_tests_pass_where_they_are_installed(tmp_path):
    python = environment(tmp_path / "env")
    plugins, variables = tmp_path / "plugins", outside(tmp_path / "cache")
    shutil.copytree(ROOT / "plugins", plugins, ignore=LEFTOVERS)
    install = [sys.executable, "-m", "uv", "pip", "install", "--no-build-isolation"]
    for folder in PLUGINS:
        # With what it asks for: that is there.
        target = plugins / folder.name
        said = run(*install, "--python", python, target, env=variables)
        assert re.findall(r"^ [+-] ([\w-]+)==", said, re.M) == [name_of(folder)]
    # The installed packages have to do; nothing is imported from the sources.
    for package in plugins.glob("*/electra_bench_*"):
        shutil.rmtree(package)
    shutil.copy(Path(__file__).with_name("all_together.py"), tmp_path)

    tests = ["plugins", "all_together.py"]
    command = [python, "-m", "pytest", "-q", "--durations=5", *tests]
    shown = run(*command, cwd=tmp_path, env=variables)
    assert " passed" in shown and "skipped" not in shown
    # What their own pages tell people to type.
    pages = (folder.joinpath("README.md").read_text() for folder in PLUGINS)
    told = [re.search(r"^electra-bench (describe .*)$", p, re.M)[1] for p in pages]
    run(python, "-c", DESCRIBE, *told, cwd=tmp_path, env=variables)


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_each_is_small(folder):
    modules = folder.glob("electra_bench_*/*.py")
    size = sum(num_code_lines(path.read_text(encoding="utf-8")) for path in modules)
    assert 0 < size < MAX_CODE_LINES


def num_code_lines(source: str) -> int:
    """Lines that are neither blank nor comments nor docstrings."""
    documentation = set()
    for node in ast.walk(ast.parse(source)):
        is_documented = isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        if is_documented and ast.get_docstring(node) is not None:
            text = node.body[0]
            documentation.update(range(text.lineno, text.end_lineno + 1))
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - documentation)
