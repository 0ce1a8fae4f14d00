"""The distributions of plugins/, installed outside the checkout: their own tests pass."""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import tokenize
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/setup.cfg"))
# What setuptools needs to build the project.
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "electra_bench", "gin")
# What stands beside the sources of a used checkout.
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
# What the tests need beside what the project needs.
TEST_TOOLS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
MAX_CODE_LINES = 60
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def run(*command: str | Path, **options) -> str:
    """Runs a command; what it printed goes into a failure."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def environment(folder: Path) -> Path:
    """The interpreter of an environment that holds the locked packages and no more.

    As links to those that are installed here: copies would be compiled again, which takes
    a minute and more.
    """
    run(sys.executable, "-m", "uv", "venv", folder, "--python", sys.executable)
    [site_packages] = folder.glob("lib/python*/site-packages")
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    for name in {*locked, *TEST_TOOLS}:
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        for top in {Path(file).parts[0] for file in installed.files}:
            link = site_packages / top
            if top not in ("..", "__pycache__") and not link.exists():
                link.symlink_to(installed.locate_file(top))
    return folder / "bin" / "python"


def copied(folder: Path) -> Path:
    """A copy of the project without its tests: building writes beside the sources."""
    folder.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFTOVERS)
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.mark.timeout(900)
def test_their_tests_pass_where_they_are_installed(tmp_path):
    python = environment(tmp_path / "env")
    project, plugins = copied(tmp_path / "project"), tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", plugins, ignore=LEFTOVERS)
    folders = [plugins / folder.name for folder in PLUGINS]
    install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps")
    run(*install, "--no-build-isolation", "--python", python, project, *folders)
    # The installed packages have to do; nothing is imported from the sources.
    shutil.rmtree(project)
    for package in plugins.glob("*/electra_bench_*"):
        shutil.rmtree(package)
    shutil.copy(Path(__file__).with_name("all_together.py"), tmp_path)

    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "UV_", "PYTEST_", "ELECTRA_"))
    }
    outside["ELECTRA_BENCH_CACHE"] = str(tmp_path / "cache")
    tests = ["plugins", "all_together.py"]
    command = [python, "-m", "pytest", "-q", "--durations=5", *tests]
    shown = run(*command, cwd=tmp_path, env=outside)
    assert " passed" in shown and "skipped" not in shown


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
