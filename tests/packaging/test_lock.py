"""What a bare machine installs."""

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_lock_holds_the_real_packages_and_no_nightly():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    names = {package["name"] for package in lock["package"]}
    assert {"tensorflow", "tensorflow-text", "t5", "seqio"} <= names
    assert not [name for name in names if "nightly" in name]
    assert "mesh-tensorflow" not in names


def test_requirements_for_pip_say_what_the_lock_says():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    versions = {(p["name"], p.get("version")) for p in lock["package"]}
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = [re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines]
    pinned = [match.groups() for match in pinned if match]
    assert len(pinned) > 50
    assert set(pinned) <= versions


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "uv", "build", "--quiet", "--out-dir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True)
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_the_gin_files(wheel):
    names = wheel.namelist()
    for path in (ROOT / "gin").rglob("*.gin"):
        assert f"electra_bench/gin_files/{path.relative_to(ROOT / 'gin')}" in names
    for path in (ROOT / "electra_bench").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT)) in names
    assert not [
        name for name in names if name.startswith(("gin/", "tests/", "plugins/"))
    ]


def test_the_wheel_asks_for_nothing_that_asks_for_nightlies(wheel):
    [path] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    headers = email.message_from_bytes(wheel.read(path))
    required = headers.get_all("Requires-Dist")
    assert "tensorflow-text<2.22,>=2.21.1" in required
    assert not [line for line in required if re.match(r"t5\b|.*nightly", line)]
    assert headers["Requires-Python"] == "<3.14,>=3.11"


@pytest.mark.parametrize("folder", ["gin", "gin/models", "gin/runs"])
def test_no_package_hides_the_library_gin(folder):
    assert not (ROOT / folder / "__init__.py").exists()
