"""Environments outside the checkout, for tests of what is installed and documented."""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What setuptools needs to build the project.
SOURCES = ("setup.cfg", "pyproject.toml", "README.md", "electra_bench", "gin")
# What stands beside the sources of a used checkout.
LEFTOVERS = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
# What an environment needs beside what the project needs.
TOOLS = ("pip", "pytest", "pluggy", "iniconfig", "packaging", "pygments")


def run(*command: str | Path, **options) -> str:
    """Runs a command; what it printed goes into a failure."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def outside(cache: Path) -> dict[str, str]:
    """Variables for commands in a fresh environment: nothing of this one leaks in.

    pip and uv take what is there, from no index: a plugin resolves nothing again.
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("PYTHON", "VIRTUAL_ENV", "UV_", "PIP_", "PYTEST_", "ELECTRA_")
        )
    }
    return {
        **variables,
        "ELECTRA_BENCH_CACHE": str(cache),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as: no isolation
        "UV_OFFLINE": "1",
    }


def environment(folder: Path) -> Path:
    """The interpreter of an environment that holds the locked packages and the project.

    As links to those that are installed here: copies would be compiled again, which takes
    a minute and more.
    """
    run(sys.executable, "-m", "uv", "venv", folder, "--python", sys.executable)
    [site_packages] = folder.glob("lib/python*/site-packages")
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    for name in {*locked, *TOOLS}:
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        for top in {Path(file).parts[0] for file in installed.files}:
            link = site_packages / top
            if top in ("..", "__pycache__") or link.exists():
                continue
            if top.endswith(".dist-info"):  # uv looks at no link to one
                shutil.copytree(installed.locate_file(top), link)
            else:
                link.symlink_to(installed.locate_file(top))
    python = folder / "bin" / "python"
    # Nothing is imported from the sources: they are a copy that goes.
    project = folder / "project"
    project.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=LEFTOVERS)
        else:
            shutil.copy(source, project / name)
    install = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    run(sys.executable, "-m", "uv", *install, "--python", python, project)
    shutil.rmtree(project)
    return python
