"""What the quickstart leaves behind once its runs are done."""

import os
import shutil

import pytest
from site_records import save_site_runs

from electra_bench.cli import main
from electra_bench.records import find_records, read_record
from electra_bench.runs import launch


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Stands for all the training: the runs are there; one is of an earlier start."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    workdir = tmp_path / "quick start"

    def instead(root, files, overrides, *, overwrite, on_start):
        assert root == "quickstart"
        on_start()
        save_site_runs(workdir / "runs")
        records = [read_record(path) for path in find_records(str(workdir / "runs"))]
        return [record for record in records if record.label != "wide"]

    monkeypatch.setattr(launch, "launch", instead)
    return workdir


def test_it_leaves_the_same_site_as_leaderboard_build(trained, tmp_path, capsys):
    assert main.main(["quickstart", "--workdir", str(trained), "--minutes", "5"]) == 0
    said = capsys.readouterr().out.splitlines()
    out = trained / "leaderboard"
    assert said[0] == "Leaderboard"
    assert said[-1].endswith(f"the first page is {out / 'index.html'}")
    command = f"electra-bench quickstart --minutes 5 --workdir &#39;{trained}&#39;"
    assert command in (out / "index.html").read_text("utf-8")
    for path in list(find_records(str(trained / "runs"))):
        if read_record(path).label == "wide":
            shutil.rmtree(os.path.dirname(path))
    argv = ["leaderboard", "build", str(trained / "runs"), "--out"]
    assert main.main([*argv, str(tmp_path / "out")]) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {path.name for path in (tmp_path / "out").iterdir()}
    # The others name the command.
    same = [name for name in names if name.endswith((".svg", ".md", ".csv"))]
    assert len(same) > 8
    for name in same:
        assert (out / name).read_bytes() == (tmp_path / "out" / name).read_bytes(), name
