"""Packages with documentation strings, as the documentation tasks read them.

A plugin of pytest that tests/conftest.py loads.
"""

import random
from string import ascii_lowercase

import pytest

from electra_bench.tasks.pydoc import files
from electra_bench.tasks.pydoc.examples import LIBRARIES

MODULES = 60


def _words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(ascii_lowercase, k=6)) for _ in range(count))


def _docstring(rng: random.Random, package: str) -> str:
    parameters = "\n".join(
        f"{name} : int\n    The {_words(rng, 6)}."
        for name in ("one", "two", "six", "ten")
    )
    return (
        f"Gives {package} to {_words(rng, 12)}.\n\n"
        f"Uses ``{_words(rng, 1)}.x`` for {_words(rng, 12)}.\n\n"
        f"Parameters\n----------\n{parameters}\n"
    )


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """Every library with modules of two functions; one text is everywhere."""
    folder = tmp_path_factory.mktemp("packages")
    rng = random.Random(0)
    for package in LIBRARIES:
        (folder / package).mkdir()
        for number in range(MODULES):
            functions = [
                f'def f{i}():\n    """{_docstring(rng, package)}"""\n' for i in range(2)
            ]
            functions.append(
                'def same():\n    """This sentence with ten words and more is in every '
                f'module of {package}."""\n'
            )
            path = folder / package / f"m{number}.py"
            path.write_text("\n".join(functions))
    return folder


@pytest.fixture
def installed(packages, tmp_path, monkeypatch):
    """The packages as if they were the environment's, and an empty cache."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files.docstrings, "site_packages", lambda: str(packages))
    return packages
