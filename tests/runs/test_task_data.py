"""Which files a fine-tuning run reads, and that all of them are part of its identity."""

import ast
import json
import shutil
from types import SimpleNamespace

import pytest
from small_runs import merged, the_sentence

from electra_bench.cli.main import main
from electra_bench.records import read_record
from electra_bench.runs import suite_check
from electra_bench.suites.cell import Cell
from electra_bench.training.build import Training
from electra_bench.training.measured import Measured

MOODS = "text_a,label\na good day,{0}\na bad day,{1}\nno day at all,{0}\n"


@pytest.fixture(autouse=True)
def nothing_is_measured(monkeypatch):
    """Here a dry run is for its data; what updates take, test_pretrain.py has."""
    found = Measured(parts=1, first_s=1.0, update_s=1.0, peak_bytes=2**20)
    monkeypatch.setattr(Training, "measured", lambda *args: found)


@pytest.fixture
def task_file(tmp_path):
    """Two tasks without code; their labels differ, so a file of one does not suit both."""
    folder = tmp_path / "data"
    (folder / "more").mkdir(parents=True)
    lines = []
    for name, labels in {"first": ("up", "down"), "second": ("yes", "no")}.items():
        (folder / f"{name}.csv").write_text(MOODS.format(*labels))
        (folder / "more" / f"{name}.csv").write_text(MOODS.format(*labels))
        files = {"train": f"{name}.csv", "dev": f"{name}.csv"}
        lines.append(f"tasks.{name}.kind = 'classification'")
        lines.append(f"tasks.{name}.files = {files!r}")
    path = tmp_path / "my.gin"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def of_file(finetune, task_file):
    """Makes the command of a run of these tasks, as far as `--dry_run` goes."""

    def arguments(*bindings):
        more = [f"DATA_DIR = {str(task_file.parent / 'data')!r}", *bindings]
        more.append("runs.finetune.batch_size = 3")
        return [*finetune(*more), "--task_file", str(task_file), "--dry_run"]

    return arguments


@pytest.fixture
def choice(finetune_bindings, task_file, tmp_path):
    """Makes a command in which a gin file, not the command line, says something."""

    def arguments(text, verb=("finetune", "--dry_run")):
        path = tmp_path / "choice.gin"
        path.write_text(text)
        given = [b for b in finetune_bindings if not b.startswith(("TASK", "DATA_DIR"))]
        given.append("runs.finetune.batch_size = 3")
        parameters = [x for binding in given for x in ("--gin_param", binding)]
        folder = str(task_file.parent / "data")
        files = ["--gin_file", "runs/finetune.gin", "--gin_file", str(path)]
        flags = ["--task_file", str(task_file), "--data_dir", folder]
        return [*verb, *files, *flags, *parameters]

    return arguments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TASK = 'second'", "second"),
        ("SEED = 1", "first+second"),
        ("TASK = ('second', 'first')", "second+first"),
    ],
)
def test_a_task_that_a_gin_file_names_wins(text, expected, choice, capsys):
    assert main(choice(text)) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["│", "task", "│", expected, "│"] in rows


def test_a_gin_file_that_names_no_task(choice, capsys):
    assert main(choice("TASK = 'secnd'")) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "'secnd'" in said and "'second'" in said


def test_validate_takes_the_task_that_a_gin_file_names(choice, capsys):
    assert main(choice("TASK = 'second'", ("validate", "task"))) == 0
    assert capsys.readouterr().out.startswith("second version 1")


def test_files_are_bound_for_the_runs_task_only(of_file, capsys):
    mine = "FILES = {'dev': 'more/second.csv'}"
    assert main(of_file("TASK = 'second'", mine)) == 0
    capsys.readouterr()
    assert main(of_file("TASK = 'first'", mine)) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "more/second.csv, line 2: unknown label 'yes'" in said


def test_one_file_is_not_bound_for_several_tasks(of_file, capsys):
    both = "TASK = ('first', 'second')"
    assert main(of_file(both, "FILES = {'dev': 'more/second.csv'}")) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "'dev' would be bound for each of ['first', 'second']" in said
    assert "bind tasks.first.files" in said
    # Which works.
    files = {"train": "first.csv", "dev": "more/first.csv"}
    assert main(of_file(both, f"tasks.first.files = {files!r}")) == 0


def test_several_tasks_with_code(finetune, mnli_dir, cola_dir, tmp_path, capsys):
    for folder in (mnli_dir / "MNLI", cola_dir / "CoLA"):
        shutil.copytree(folder, tmp_path / "data" / folder.name)
    given = [f"DATA_DIR = {str(tmp_path / 'data')!r}", "EPOCHS = 0.1"]
    matched = str(mnli_dir / "MNLI" / "dev_mismatched.tsv")
    given.append(f"FILES = { ({'dev_matched': matched})!r}")
    flags = ("--dry_run",)
    assert main(finetune("TASK = ('cola', 'mnli')", *given, flags=flags)) == 0
    capsys.readouterr()
    train = ("TASK = ('cola', 'mnli')", *given[:-1], "FILES = {'train': 'x'}")
    assert main(finetune(*train)) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "'train' would be bound for each of ['cola', 'mnli']" in said
    assert "put the file where cola looks for it below --data_dir" in said


@pytest.mark.parametrize("folder", ["data_dir", "here"])
def test_relative_files_lie_here_or_below_the_data_folder(
    folder, finetune, cola_dir, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    below = cola_dir if folder == "data_dir" else tmp_path
    mine = below / "mine" / f"{folder}.tsv"
    mine.parent.mkdir(exist_ok=True)
    text = (cola_dir / "CoLA" / "dev.tsv").read_text()
    mine.write_text("".join(text.splitlines(keepends=True)[:7]))
    bound = f"FILES = { ({'dev': f'mine/{folder}.tsv'})!r}"
    assert main(finetune(bound, "EPOCHS = 0.1")) == 0
    [path] = (tmp_path / "runs").glob("*/record.json")
    assert read_record(str(path)).results[0].num_examples == 7


def test_every_scored_split_counts(finetune_bindings, mnli_dir, tmp_path, capsys):
    folder = tmp_path / "data"
    shutil.copytree(mnli_dir, folder)
    given = ["TASK = 'mnli'", "EPOCHS = 1.0", "runs.finetune.batch_size = 6"]
    bindings = merged(finetune_bindings, [*given, f"DATA_DIR = {str(folder)!r}"])
    parameters = [x for binding in bindings for x in ("--gin_param", binding)]
    command = ["finetune", "runs/finetune.gin", *parameters]
    cell = Cell(
        "mnli",
        "finetune",
        ("runs/finetune.gin",),
        _literals(bindings),
        str(tmp_path / "runs" / "small-mnli-s0"),
        "small",
        "mnli",
        0,
        str(tmp_path / "runs"),
    )

    def in_a_suite():
        found = suite_check.check([cell], ())["mnli"]
        return found.state, found.reason or found.error

    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 0
    assert "is done already" in capsys.readouterr().out
    assert in_a_suite() == ("answered", None)

    file = folder / "MNLI" / "dev_mismatched.tsv"
    file.write_text(file.read_text().replace("text 0", "text 7"))
    assert main(command) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "holds another run: 'data of mnli dev_mismatched" in said
    reason = "its data of mnli dev_mismatched has another content"
    assert in_a_suite() == ("other", reason)
    file.unlink()
    assert main(command) == 2
    reason = "it was made with data of mnli dev_mismatched"
    assert in_a_suite() == ("other", reason)


def test_a_split_to_score_has_right_answers(finetune, tmp_path, capsys):
    (tmp_path / "squad").mkdir()
    answer = {"text": "fox", "answer_start": 4}
    for split, answers in {"train": [answer], "dev": []}.items():
        asked = {"id": "q1", "question": "Who sleeps?", "answers": answers}
        paragraph = {"context": "The fox sleeps.", "qas": [asked]}
        content = json.dumps({"data": [{"paragraphs": [paragraph]}]})
        (tmp_path / "squad" / f"{split}-v1.1.json").write_text(content)
    bindings = ("TASK = 'squadv1'", f"DATA_DIR = {str(tmp_path)!r}")
    assert main([*finetune(*bindings), "--dry_run"]) == 2
    said = the_sentence(capsys.readouterr().err, "finetune")
    assert "task 'squadv1': the split 'dev' has no right answers" in said


def _literals(bindings):
    pairs = (binding.split(" = ", 1) for binding in bindings)
    return {key: ast.literal_eval(value) for key, value in pairs}


@pytest.mark.parametrize(
    ("size", "mark", "line"),
    [
        (1043, None, "dev: 1,043 examples"),
        (400, "400 of 1043", "dev: 400 of 1,043 examples"),
        (5463, "5463 rows, 1043 published", "dev: 5,463 examples, 1,043 published"),
    ],
)
def test_more_examples_than_published_are_no_part_of_them(size, mark, line):
    from electra_bench import registry
    from electra_bench.cli.validate_task import lines
    from electra_bench.tasks.results import other_size

    card = registry.tasks.get("cola")
    assert other_size(card, "dev", size) == mark
    split = {
        "examples": size,
        "published": card.splits["dev"],
        "rows": size,
        "skipped": 0,
        "notes": {},
        "unknown_percent": 0.0,
        "tokens": {},
        "truncated_percent": 0.0,
        "lost": None,
        "targets": {},
        "first": [],
    }
    report = {
        "task": "cola",
        "version": card.version,
        "kind": card.kind,
        "summary": card.summary,
        "max_seq_length": 128,
        "splits": {"dev": split},
        "absent": {},
        "leaks": {},
    }
    assert line in list(lines(report))


def test_a_protocol_has_settings_of_a_task_of_its_own():
    from types import SimpleNamespace

    from electra_bench import registry
    from electra_bench.runs.launch import parse
    from electra_bench.runs.restored import ReadingOptions, RestoredRun
    from electra_bench.tasks.task_data import with_settings

    files = ["runs/finetune.gin", "protocols/code_v1.gin"]
    parsed = parse(files, ["TASK = 'naturalqs'"])
    settings = parsed.value("runs.finetune.task_settings")
    hparams = {"runs.finetune.task_settings": settings}
    of_run = SimpleNamespace(
        record=SimpleNamespace(kind="finetune", hparams=hparams), folder=None
    )
    for task, epochs, length in (("naturalqs", 3.0, 128), ("newsqa", 2.0, 512)):
        card = registry.tasks.get(task)
        changed = with_settings(card, settings)
        assert (changed.epochs, changed.max_seq_length) == (epochs, length)
        run = RestoredRun(of_run, None, None, ReadingOptions(), None)
        assert run.limit(card) == length
    with pytest.raises(ValueError, match=r"'newsqa' may have .*, got \['epoch'\]"):
        with_settings(card, {"newsqa": {"epoch": 1}})


@pytest.mark.parametrize(
    "task", ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "wnli"]
)
def test_a_constant_answer_has_collapsed(task):
    """Its score may be more than the card's floor in the last digit."""
    from electra_bench import registry
    from electra_bench.records import TaskResult
    from electra_bench.tasks.results import any_collapsed

    card = registry.tasks.get(task)
    size = card.splits[card.eval_split]
    largest = round(card.floor * size / 100)

    def collapsed(right):
        score = 100.0 * (right / size)
        result = TaskResult(
            task,
            card.version,
            card.eval_split,
            size,
            {card.main_metric: score},
            card.main_metric,
            floor=card.floor,
        )
        data = SimpleNamespace(card=card, scored=((card.eval_split, None),))
        return any_collapsed([data], [result])

    assert collapsed(largest)
    assert not collapsed(largest + 1)
