"""plugins/example in a fresh environment, outside the checkout: its own tests pass."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What setuptools needs to build the project.
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "electra_bench", "gin")
# What stands beside the sources of a used checkout.
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")


def run(*command: str | Path, **options) -> str:
    """Runs a command; what it printed goes into a failure."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def environment(tmp_path):
    """The interpreter of an environment that holds the locked packages and no more."""
    run(
        sys.executable, "-m", "uv", "venv", tmp_path / "env", "--python", sys.executable
    )
    python = tmp_path / "env" / "bin" / "python"
    install(python, "--no-deps", "-r", ROOT / "requirements.lock")
    install(python, f"pytest=={metadata.version('pytest')}")
    return python


def install(python: Path, *requirements: str | Path) -> None:
    """Installs into an environment."""
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet")
    run(*uv, "--python", python, *requirements)


def copied(folder: Path) -> Path:
    """A copy of the project without its tests: building writes beside the sources."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFTOVERS)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


@pytest.mark.timeout(900)
def test_the_tests_of_the_example_pass_outside_the_checkout(environment, tmp_path):
    project = copied(tmp_path / "project")
    example = tmp_path / "example"
    shutil.copytree(ROOT / "plugins" / "example", example, ignore=LEFTOVERS)
    install(environment, "--no-deps", project, example)
    # The installed packages have to do; nothing is imported from the sources.
    shutil.move(example / "tests", tmp_path / "tests")
    shutil.rmtree(project)
    shutil.rmtree(example)

    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "UV_", "PYTEST_", "ELECTRA_"))
    }
    outside["PATH"] = f"{environment.parent}{os.pathsep}{outside['PATH']}"
    outside["ELECTRA_BENCH_CACHE"] = str(tmp_path / "cache")
    shown = run(environment, "-m", "pytest", "-q", "tests", cwd=tmp_path, env=outside)
    assert " passed" in shown and "skipped" not in shown
