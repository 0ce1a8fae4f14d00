import json
from importlib import metadata

import pytest

from electra_bench.cli import doctor, main
from electra_bench.tasks.metrics import t5_metrics


def test_required_packages_are_compared():
    found = {check.name: check for check in doctor.packages()}
    assert found["numpy"].status == "ok"
    assert found["numpy"].detail == metadata.version("numpy")
    assert "pytest" not in found


def test_a_wrong_and_a_missing_version_fail(monkeypatch):
    wanted = ["numpy<1", "no_such_package", 'ray; extra == "ray"']
    monkeypatch.setattr(metadata, "requires", lambda name: wanted)
    found = {check.name: check for check in doctor.packages()}
    assert set(found) == {"numpy", "no_such_package"}
    assert found["numpy"].status == "fail"
    assert "must be <1" in found["numpy"].detail
    assert found["no_such_package"].detail == "not installed"


@pytest.mark.parametrize("name", ["seqio-nightly", "tfds-nightly", "tf-nightly"])
def test_a_nightly_is_named_with_advice(tmp_path, monkeypatch, name):
    folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    [check] = [check for check in doctor.nightlies() if check.name == name]
    assert check.status == "fail"
    assert "uninstall it, then python3 -m pip install --force-reinstall" in check.detail


def test_a_release_that_lost_its_files_is_named_with_advice(tmp_path, monkeypatch):
    folder = tmp_path / "seqio-0.0.20.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: seqio\nVersion: 0.0.20\n"
    )
    (folder / "RECORD").write_text("seqio/__init__.py,,\nseqio/gone.py,,\n")
    (tmp_path / "seqio").mkdir()
    (tmp_path / "seqio/__init__.py").touch()
    assert [*doctor.lost_files()] == []
    monkeypatch.syspath_prepend(str(tmp_path))
    [check] = doctor.lost_files()
    assert (check.name, check.status) == ("files of seqio", "fail")
    assert "1 of 2 modules are gone, as seqio/gone.py" in check.detail
    assert "--force-reinstall --no-deps seqio==0.0.20" in check.detail


def test_it_says_whether_t5_computes(monkeypatch):
    version = metadata.version("t5")
    check = doctor.metrics_of_t5()
    assert check.status == "ok" and check.detail.startswith(version)
    monkeypatch.setattr(t5_metrics, "library", lambda: (None, "no module 'babel'"))
    check = doctor.metrics_of_t5()
    assert check.status == "fail" and "no module 'babel'" in check.detail

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    check = doctor.metrics_of_t5()
    assert check.status == "ok" and "own code" in check.detail


def test_no_nightly_here():
    [check] = doctor.nightlies()
    assert check.status == "ok"


def test_gin_is_the_library(tmp_path):
    assert doctor.gin_library().status == "ok"
    assert doctor.gin_folder().status == "ok"


def test_without_a_data_folder_it_says_how_to_give_one():
    [check] = doctor.data(None)
    assert check.status == "note"
    assert "--data_dir" in check.detail


def test_broken_entry_points_fail(monkeypatch):
    from electra_bench.registry import reports

    def broken(name):
        raise ModuleNotFoundError("No module named 'gone'")

    monkeypatch.setattr("electra_bench.registry.REGISTRIES", {"reports": reports})
    assert [check.status for check in doctor.registered_names()] == ["ok"]
    monkeypatch.setattr(reports, "load", broken)
    checks = list(doctor.registered_names())
    assert {check.status for check in checks} == {"fail"}
    assert all("gone" in check.detail for check in checks)
    target = "electra_bench.reports.leaderboard:leaderboard"
    assert [target in check.detail for check in checks].count(True) == 1


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("note", 0), ("fail", 1)])
def test_exit_status(monkeypatch, capsys, status, code):
    check = doctor.Check("x", status, "y")
    monkeypatch.setattr(doctor, "checks", lambda data_dir: iter([check]))
    assert main.main(["doctor"]) == code
    assert "x: y" in capsys.readouterr().out
    assert main.main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == [
        {"name": "x", "status": status, "detail": "y"}
    ]


def test_a_missing_data_folder_is_status_2(capsys, tmp_path):
    assert main.main(["doctor", "--data_dir", str(tmp_path / "absent")]) == 2
    assert "no directory" in capsys.readouterr().err


def test_data_is_found_per_task(tmp_path):
    folder = tmp_path / "data/glue/RTE"
    folder.mkdir(parents=True)
    rows = "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n"
    for split in ("train", "dev"):
        (folder / f"{split}.tsv").write_text(rows)
    found = {check.name: check for check in doctor.data(str(tmp_path / "data"))}
    assert found["data of rte"].status in ("ok", "note")
    assert "dev" in found["data of rte"].detail
    absent = {check.name: check for check in doctor.data(str(tmp_path / "absent"))}
    assert absent["data of rte"].status == "note"
    assert "missing" in absent["data of rte"].detail
