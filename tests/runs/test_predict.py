"""`predict` on small runs, from the command line."""

import gc
import json
import re
import textwrap
import weakref
import zipfile
from pathlib import Path

import numpy as np
import pytest
from environments import ROOT
from run_records import run_record, save_records
from small_runs import SMALL_MODEL, merged, the_sentence

import electra_bench
from electra_bench import registry
from electra_bench.cli.main import main
from electra_bench.records import read_predictions, read_record
from electra_bench.runs import restored
from electra_bench.runs.launch import launch
from electra_bench.tasks.metrics.weighted import list_form
from electra_bench.tasks.submissions import GLUE_FILES
from electra_bench.training.evaluation import Evaluator

NLI = ("contradiction", "entailment", "neutral")


@pytest.fixture(scope="module")
def data_dir(text_file, tmp_path_factory):
    """GLUE's tasks with whole test files, chunks and questions."""
    folder = tmp_path_factory.mktemp("data")
    words = [w for w in text_file.read_text(encoding="utf-8").split() if w.isalpha()]
    rng = np.random.default_rng(0)

    def text():
        start = rng.integers(len(words) - 8)
        return " ".join(words[start : start + rng.integers(3, 8)])

    def table(path, header, size, row):
        rows = [header] if header else []
        rows += ["\t".join(map(str, row(i))) for i in range(size)]
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("\n".join(rows) + "\n", encoding="utf-8")

    def pair(before, *after):
        return lambda i: (*before, text(), text(), *(value(i) for value in after))

    def names(before, *after):
        return "\t".join([*before, "sentence1", "sentence2", *after])

    def label(i):
        return NLI[i % 3]

    for split in ("train", "dev"):
        table(f"CoLA/{split}.tsv", "", 32, lambda i: ("x", i % 2, "", text()))
        header = names("abcdefg", "score")
        table(f"STS-B/{split}.tsv", header, 32, pair("abcdefg", lambda i: i % 6))
    table("CoLA/test.tsv", "index\tsentence", 1063, lambda i: (i, text()))
    table("STS-B/test.tsv", names("abcdefg"), 1379, pair("abcdefg"))
    header = names("abcdefgh", "i", "gold_label")
    table("MNLI/train.tsv", header, 32, pair("abcdefgh", str, label))
    dev, header = (
        pair("abcdefgh", *[str] * 5, label),
        names("abcdefgh", *"ijklm", "gold_label"),
    )
    table("MNLI/dev_matched.tsv", header, 32, dev)
    table("MNLI/test_matched.tsv", names("abcdefgh"), 9796, pair("abcdefgh"))
    table("MNLI/test_mismatched.tsv", names("abcdefgh"), 9847, pair("abcdefgh"))
    table("AX/diagnostic.tsv", names("a"), 1104, pair("a"))
    (folder / "chunk").mkdir()
    for split, size in (("train", 40), ("test", 12)):
        lines = []
        for _ in range(size):
            lines += [f"{word} NN B-NP" for word in text().split()] + [""]
        (folder / "chunk" / f"{split}.txt").write_text("\n".join(lines) + "\n")
    (folder / "squad").mkdir()
    for split, size in (("train", 32), ("dev", 12)):
        paragraphs = [_paragraph(f"{split}{i}", text(), text()) for i in range(size)]
        path = folder / "squad" / f"{split}-v2.0.json"
        path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    return folder


def _paragraph(identity, question, context):
    """A context with one question, answered by its first word or, if odd, by none."""
    answers = [{"text": context.split()[0], "answer_start": 0}]
    is_impossible = int(identity[-1]) % 2 == 1
    asked = {
        "id": identity,
        "question": question,
        "is_impossible": is_impossible,
        "answers": [] if is_impossible else answers,
    }
    return {"context": context, "qas": [asked]}


@pytest.fixture(scope="module")
def finetuned(vocab_file, data_dir, tmp_path_factory):
    """Fine-tunes a small encoder for a moment; returns the run's folder."""
    folder = tmp_path_factory.mktemp("runs")

    def run(task, *bindings):
        given = [
            *SMALL_MODEL,
            f"TASK = {task!r}",
            f"VOCAB = {str(vocab_file)!r}",
            f"DATA_DIR = {str(data_dir)!r}",
            f"WORKDIR = {str(folder)!r}",
            "LABEL = 'small'",
            "EPOCHS = 1.0",
        ]
        [record] = launch("finetune", ["runs/finetune.gin"], merged(given, bindings))
        name = task if isinstance(task, str) else "+".join(task)
        return str(folder / f"{record.label}-{name}-s{record.seed}")

    return run


@pytest.fixture(scope="module")
def runs(finetuned):
    """A run of every task."""
    made = {task: finetuned(task) for task in ("cola", "sts", "mnli", "chunk")}
    made["cola-s1"] = finetuned("cola", "SEED = 1")
    return made


@pytest.fixture
def predict(capsys):
    """Runs the verb; returns what it prints to standard output."""

    def run(*arguments):
        capsys.readouterr()
        assert main(["predict", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(capsys, tmp_path):
    """Runs the verb, which must write nothing; returns its sentence."""

    def run(*arguments):
        capsys.readouterr()
        before = sorted(tmp_path.rglob("*"))
        assert main(["predict", *map(str, arguments)]) == 2
        assert sorted(tmp_path.rglob("*")) == before
        captured = capsys.readouterr()
        assert not captured.out
        return the_sentence(captured.err, "predict")

    return run


def test_a_split_without_labels(runs, predict, tmp_path):
    out = predict(runs["cola"], runs["cola-s1"], "--output", tmp_path / "out")
    names = [f"small-cola-test-s{seed}.jsonl.gz" for seed in (0, 1)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for run_dir, name in zip((runs["cola"], runs["cola-s1"]), names, strict=True):
        assert f"{run_dir}: cola, test, 1063 examples\n" in out and name in out
        found = list(read_predictions(str(tmp_path / "out" / name)))
        assert [p.id for p in found] == [str(i) for i in range(1063)]
        assert {p.target for p in found} == {None}
        assert {p.prediction for p in found} <= {"0", "1"}
        assert all(sum(p.scores) == pytest.approx(1.0) for p in found)
    assert " = " not in out  # no metrics


def test_of_several_runs_one_model_at_a_time_is_in_memory(
    runs, predict, tmp_path, monkeypatch
):
    alive, counts = weakref.WeakSet(), []
    restore, score = restored.restored_objective, Evaluator.score

    def restoring(*given):
        objective = restore(*given)
        alive.add(objective)
        return objective

    def scoring(self, *given):
        gc.collect()
        counts.append(len(alive))
        return score(self, *given)

    monkeypatch.setattr(restored, "restored_objective", restoring)
    monkeypatch.setattr(Evaluator, "score", scoring)
    given = [runs["cola"], runs["cola-s1"], runs["sts"], "--split", "dev"]
    out = predict(*given, "--output", tmp_path / "out")
    assert counts == [1, 1, 1] and len(list((tmp_path / "out").iterdir())) == 3
    assert all(f"{run_dir}: " in out for run_dir in given[:3])


def test_a_split_with_labels_is_predicted_and_scored_as_in_training(
    runs, predict, tmp_path
):
    out = predict(runs["cola"], "--split", "dev", "--output", tmp_path, "--json")
    [result] = json.loads(out)["results"]
    recorded = read_record(f"{runs['cola']}/record.json").results[0]
    assert result["metrics"] == pytest.approx(recorded.metrics)
    assert (result["task"], result["split"], result["examples"]) == ("cola", "dev", 32)
    # The other ways to score it know as much as training did.
    told = ("unit", "num_groups", "floor", "subset", "data_sha256", "in_training")
    [predicted] = electra_bench.predict(runs["cola"], split="dev")
    [scored] = electra_bench.evaluate(runs["cola"]).results
    for other in (predicted.result, scored):
        for field in told:
            assert getattr(other, field) == getattr(recorded, field)
    path = tmp_path / "small-cola-dev-s0.jsonl.gz"
    assert result["files"] == [str(path)]
    trained = Path(runs["cola"]) / "predictions" / "cola-dev.jsonl.gz"
    assert path.read_bytes() == trained.read_bytes()


def test_without_a_test_split_what_the_card_scores(runs, predict, tmp_path):
    out = predict(runs["mnli"], "--output", tmp_path)
    assert "mnli, dev_matched, 32 examples" in out and "accuracy = " in out


def test_glues_diagnostic_set_is_answered_by_mnli(runs, predict, refused, tmp_path):
    out = predict(runs["mnli"], "--task", "ax", "--output", tmp_path)
    assert "ax, diagnostic, 1104 examples" in out
    path = tmp_path / "small-ax-diagnostic-s0.jsonl.gz"
    assert {p.prediction for p in read_predictions(str(path))} <= set(NLI)
    said = refused(runs["cola"], "--task", "ax", "--output", tmp_path)
    assert "'cola' (classification, 2 labels) cannot answer 'ax'" in said


def test_glues_archive(runs, predict, tmp_path):
    path = tmp_path / "glue.zip"
    glue = ["--format", "glue", "--output", path]
    out = predict(runs["mnli"], runs["cola"], runs["sts"], *glue)
    expected = {"CoLA.tsv", "STS-B.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"}
    cards = {f.name: (registry.tasks.get(f.task), f.split) for f in GLUE_FILES}
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == expected
        for name in expected:
            card, split = cards[name]
            header, *rows = archive.read(name).decode().splitlines()
            assert header == "index\tprediction"
            assert len(rows) == card.splits[split]
            indices, answers = zip(*(row.split("\t") for row in rows), strict=True)
            assert list(indices) == [str(i) for i in range(len(rows))]
            if name == "STS-B.tsv":
                assert all(0 <= float(a) <= 5 and len(a) == 5 for a in answers)
            else:
                assert set(answers) <= set(card.labels)
    assert f"{path}: 5 of 11 files" in out
    absent = [line for line in out.splitlines() if "absent" in line]
    assert len(absent) == 6
    assert "  absent: WNLI.tsv: no run of 'wnli' was given" in absent


def test_a_test_file_that_is_not_there_is_absent_from_the_archive(
    runs, predict, refused, data_dir, tmp_path
):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "CoLA").symlink_to(data_dir / "CoLA")
    glue = ["--format", "glue", "--data_dir", tmp_path / "data", "--json"]
    path = tmp_path / "glue.zip"
    out = predict(runs["cola"], runs["sts"], *glue, "--output", path)
    printed = json.loads(out)
    assert [r["files"] for r in printed["results"]] == [["CoLA.tsv"]]
    absent = {entry["file"]: entry["why"] for entry in printed["absent"]}
    assert set(absent) == {file.name for file in GLUE_FILES} - {"CoLA.tsv"}
    assert "STS-B/test.tsv" in absent["STS-B.tsv"]
    assert absent["AX.tsv"] == "no run of 'mnli' was given"
    said = refused(runs["sts"], *glue, "--output", tmp_path / "other.zip")
    assert "nothing to predict" in said and "STS-B/test.tsv" in said


def test_glues_archive_needs_every_row(runs, refused, data_dir, tmp_path):
    (tmp_path / "CoLA").mkdir()
    lines = (data_dir / "CoLA/test.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "CoLA/test.tsv").write_text("".join(lines[:-3]))
    glue = ["--format", "glue", "--output", tmp_path / "glue.zip"]
    said = refused(runs["cola"], *glue, "--data_dir", tmp_path)
    assert "'cola', split 'test': got 1060 rows, expected 1063" in said


def test_what_glue_does_not_take(runs, refused, tmp_path):
    glue = ["--format", "glue", "--output", tmp_path / "glue.zip"]
    said = refused(runs["cola"], runs["cola-s1"], *glue)
    assert runs["cola"] in said and runs["cola-s1"] in said and "'cola'" in said
    said = refused(runs["chunk"], *glue)
    assert "'chunk', which is not in GLUE" in said and "mrpc" in said
    said = refused(runs["cola"], *glue, "--split", "dev")
    assert "leave --split and --task out" in said
    said = refused(runs["cola"], "--format", "glue", "--output", tmp_path / "glue.tsv")
    assert "glue.tsv" in said


def test_a_run_of_several_tasks(
    finetuned, runs, predict, refused, data_dir, tmp_path, monkeypatch
):
    both = finetuned(("sts", "chunk", "cola"))
    looked_up = []
    find = restored.leaks_of_run
    monkeypatch.setattr(
        restored,
        "leaks_of_run",
        lambda record, scored: looked_up.append(len(scored)) or find(record, scored),
    )
    path = tmp_path / "glue.zip"
    glue = ["--format", "glue", "--output", path]
    out = predict(both, runs["mnli"], *glue)
    assert f"{path}: 5 of 11 files" in out
    names = {"CoLA.tsv", "STS-B.tsv", "MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"}
    with zipfile.ZipFile(path) as archive:
        assert set(archive.namelist()) == names
        sts = archive.read("STS-B.tsv").decode().splitlines()
        cola = archive.read("CoLA.tsv").decode().splitlines()
    said = refused(
        both, runs["cola"], "--format", "glue", "--output", tmp_path / "x.zip"
    )
    assert f"{both!r} and {runs['cola']!r} are both runs of 'cola'" in said

    # The same answers as those to each task alone, which are given without --task, too.
    looked_up.clear()
    predict(both, "--output", tmp_path / "all")
    assert looked_up == [3]  # all at once
    predict(both, "--task", "cola", "--output", tmp_path / "one")
    found = {path.name: path for path in (tmp_path / "all").iterdir()}
    label = "small-{}-test-s0.jsonl.gz"
    assert set(found) == {label.format(t) for t in ("cola", "sts", "chunk")}
    [alone] = (tmp_path / "one").iterdir()
    assert alone.read_bytes() == found[alone.name].read_bytes()
    answers = [p.prediction for p in read_predictions(str(alone))]
    assert cola[1:] == [f"{i}\t{a}" for i, a in enumerate(answers)]
    path = found[label.format("sts")]
    values = [min(max(p.prediction, 0), 5) for p in read_predictions(str(path))]
    assert sts[1:] == [f"{i}\t{v:.3f}" for i, v in enumerate(values)]

    said = refused(both, "--format", "conll", "--output", tmp_path / "tags.txt")
    assert "of kind tagging" in said
    tags = ["--format", "conll", "--task", "chunk", "--output", tmp_path / "tags.txt"]
    assert "chunk, test, 12 examples" in predict(both, *tags)
    said = refused(both, "--task", "ax", "--output", tmp_path / "ax")
    assert "'sts' (regression, 0 labels), 'chunk' (tagging" in said


def test_a_dry_run_writes_nothing(runs, predict, data_dir, tmp_path):
    path = tmp_path / "glue.zip"
    glue = ["--format", "glue", "--output", path, "--dry_run"]
    out = predict(runs["cola"], runs["sts"], *glue)
    assert out.startswith("dry run: nothing is predicted\n")
    assert f"{runs['cola']}: cola, test, 1063 examples" in out
    assert "to be written: CoLA.tsv" in out and f"{path}: 2 of 11 files" in out
    given = [runs["chunk"], "--output", tmp_path, "--dry_run", "--json"]
    printed = json.loads(predict(*given))
    assert printed["dry_run"] is True
    [result] = printed["results"]
    assert result["files"] == [str(tmp_path / "small-chunk-test-s0.jsonl.gz")]
    assert result["examples"] == 12 and "metrics" not in result
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", ["{}", "{} NN", "{} NN _"])
def test_words_without_tags(line, runs, predict, tmp_path):
    words = tmp_path / "words.txt"
    lines = [line.format(word) for word in ("one", "two")]
    words.write_text("\n".join(lines) + "\n\n" + lines[0] + "\n")
    bound = f"--gin.FILES={ ({'test': str(words)})!r}"
    path = tmp_path / "tags.txt"
    predict(runs["chunk"], "--format", "conll", "--output", path, bound)
    labels = set(registry.tasks.get("chunk").labels)
    rows = [row.split(" ") for row in path.read_text().split("\n") if row]
    assert [row[:2] for row in rows] == [["one", "_"], ["two", "_"], ["one", "_"]]
    assert {row[2] for row in rows} <= labels


def test_files_that_no_task_reads(runs, refused, data_dir, tmp_path):
    bound = "--gin.FILES={'tset': 'x.tsv'}"
    said = refused(runs["cola"], "--output", tmp_path / "out", bound)
    assert "no file is read for 'tset'; task 'cola' reads ['dev', 'test', 'tra" in said


def test_the_files_of_a_run_are_for_its_task(finetuned, predict, data_dir, tmp_path):
    files = {s: str(data_dir / "CoLA" / f"{s}.tsv") for s in ("train", "dev")}
    # The same labels as CoLA's, another file of the same name.
    (tmp_path / "SST-2").mkdir()
    (tmp_path / "SST-2" / "dev.tsv").write_text("sentence\tlabel\na day\t1\n")
    run_dir = finetuned("cola", f"FILES = {files!r}", "LABEL = 'bound'")
    other = ["--task", "sst", "--split", "dev", "--data_dir", tmp_path]
    out = predict(run_dir, *other, "--output", tmp_path / "out")
    assert "sst, dev, 1 examples" in out


def test_tags(runs, predict, refused, tmp_path):
    path = tmp_path / "chunk.txt"
    conll = ["--format", "conll", "--output", path]
    out = predict(runs["chunk"], *conll)
    assert "chunk, test, 12 examples" in out and "words cut off = 0" in out
    sentences = path.read_text().rstrip("\n").split("\n\n")
    assert len(sentences) == 12
    rows = [line.split(" ") for s in sentences for line in s.splitlines()]
    labels = set(registry.tasks.get("chunk").labels)
    assert all(len(row) == 3 and {*row[1:]} <= labels for row in rows)
    assert {row[1] for row in rows} == {"S-NP"}
    said = refused(runs["chunk"], runs["chunk"], *conll)
    assert "one run, got 2" in said


def test_words_that_the_length_limit_cuts_off(runs, predict, tmp_path):
    path = tmp_path / "chunk.txt"
    conll = ["--format", "conll", "--output", path, "--json"]
    whole = json.loads(predict(runs["chunk"], *conll))["results"][0]
    before = [line.split(" ") for line in path.read_text().splitlines()]
    assert whole["words_cut_off"] == 0 and "words cut" not in whole["marks"]
    words = len([row for row in before if len(row) == 3])
    conll += ["--overwrite", "--gin.runs.predict.max_seq_length=4"]
    for how in ("windows", "dropped"):
        choice = f"--gin.features.words.cut_words='{how}'"
        [cut] = json.loads(predict(runs["chunk"], *conll, choice))["results"]
        lost = cut["words_cut_off"]
        assert (lost == 0) == (how == "windows")
        marked = f"{lost} of {words} to score" if lost else None
        assert cut["marks"].get("words cut") == marked
        after = [line.split(" ") for line in path.read_text().splitlines()]
        assert [row[:2] for row in before] == [row[:2] for row in after]
        assert len([row for row in after if row[2:] == ["_"]]) == lost


def test_answers_to_questions(finetuned, predict, refused, tmp_path):
    run_dir = finetuned("squad", "runs.finetune.max_seq_length = 64")
    predict(run_dir, "--output", tmp_path)
    found = list(read_predictions(str(tmp_path / "small-squad-dev-s0.jsonl.gz")))
    assert [p.id for p in found] == [f"dev{i}" for i in range(12)]
    texts = {p.id: p.prediction[0] for p in found}
    odds = {p.id: p.scores["null_odds"] for p in found}
    [result] = read_record(f"{run_dir}/record.json").results
    assert (result.task_version, result.main_metric) == (2, "exact_chosen")
    assert result.threshold == {
        "score": "log odds of no answer, by the classifier",
        "constant": -2.75,
        "chosen_on": "the other half of the articles, or of the contexts",
    }
    # What tables resample.
    lists = ([getattr(p, name) for p in found] for name in ("target", "prediction"))
    again = list_form(registry.metrics.get("exact_chosen"))(*lists)
    assert again == pytest.approx(dict(result.metrics), nan_ok=True)

    squad = ["--format", "squad", "--output", tmp_path / "squad"]
    out = predict(run_dir, *squad)
    assert "squad, dev, 12 examples" in out and "exact = " in out
    answers, null_odds = (
        tmp_path / "squad" / f"squad-dev-{name}.json"
        for name in ("predictions", "null_odds")
    )
    assert json.loads(answers.read_text()) == texts
    assert json.loads(null_odds.read_text()) == odds
    threshold = sorted(odds.values())[6]
    predict(run_dir, *squad, "--overwrite", "--null_threshold", threshold)
    expected = {i: "" if odds[i] > threshold else texts[i] for i in texts}
    assert json.loads(answers.read_text()) == expected

    mrqa = ["--format", "mrqa", "--output", tmp_path / "mrqa"]
    predict(run_dir, *mrqa)
    [path] = (tmp_path / "mrqa").iterdir()
    assert path.name == "squad-dev-predictions.json"
    assert json.loads(path.read_text()) == texts
    assert "squad-dev-predictions.json' exists" in refused(run_dir, *mrqa)
    assert "is for --format squad" in refused(run_dir, *mrqa, "--null_threshold", 0)


def test_xquad_is_a_column_of_tables(finetuned, data_dir, tmp_path, capsys):
    """As docs/tasks.md says it, to the table."""
    paragraphs = [_paragraph(f"{i}0", "what?", f"text {i} of many") for i in range(8)]
    content = json.dumps({"data": [{"title": "a", "paragraphs": paragraphs}]})
    for path in ("squad/train-v1.1.json", "squad/dev-v1.1.json", "xquad/xquad.de.json"):
        (data_dir / path).parent.mkdir(exist_ok=True)
        (data_dir / path).write_text(content)
    run_dir = finetuned(
        "squadv1", "runs.finetune.max_seq_length = 64", "runs.finetune.batch_size = 8"
    )
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    [lines] = re.findall(r"```gin\n +# xquad.gin\n(.*?)```", page, re.DOTALL)
    mine = tmp_path / "xquad.gin"
    mine.write_text(textwrap.dedent(lines).replace("512", "64"))
    folder = str(Path(run_dir).parent)
    given = ["--gin.EVAL_TASK=xquad_de", "--workdir", folder]
    assert main(["evaluate", run_dir, str(mine), *given]) == 0
    record = read_record(f"{folder}/small-squadv1-s0-on-xquad_de-dev/record.json")
    assert record.results[0].num_examples == 8
    capsys.readouterr()
    assert main(["leaderboard", "build", folder, "--tasks", "squadv1,xquad_de"]) == 0
    shown = capsys.readouterr().out
    assert "squadv1" in shown and "xquad_de" in shown
    assert f"{record.results[0].main_score:.1f}" in shown


@pytest.mark.parametrize(
    ("form", "kind", "name"),
    [
        ("squad", "span_qa", "out"),
        ("mrqa", "span_qa", "out"),
        ("conll", "tagging", "out.txt"),
    ],
)
def test_a_form_for_another_kind_of_task(form, kind, name, runs, refused, tmp_path):
    said = refused(runs["cola"], "--format", form, "--output", tmp_path / name)
    assert f"of kind {kind}" in said and "'cola'" in said and "classification" in said


def test_no_fine_tuned_run(runs, refused, tmp_path):
    missing = tmp_path / "nothing"
    said = refused(runs["cola"], missing, "--output", tmp_path / "out")
    assert f"no finished run at {str(missing)!r}" in said
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.gin").touch()
    said = refused(tmp_path / "begun", "--output", tmp_path / "out")
    assert "begun has no record.json: it has not come to its end" in said
    save_records(tmp_path, [run_record("small", "pydoc", 0, 50.0, kind="pretrain")])
    [run_dir] = (path.parent for path in tmp_path.rglob("record.json"))
    said = refused(run_dir, "--output", tmp_path / "out")
    assert f"{str(run_dir)!r} is a pretrain run" in said


def test_unknown_split_and_task(runs, refused, tmp_path):
    output = ["--output", tmp_path / "out"]
    said = refused(runs["cola"], "--split", "tset", *output)
    assert "no split 'tset'; it has ['dev', 'test', 'train']" in said
    assert "'axe'" in refused(runs["mnli"], "--task", "axe", *output)


def test_a_missing_file_is_found_before_any_run_predicts(
    runs, refused, data_dir, tmp_path
):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "CoLA").symlink_to(data_dir / "CoLA")
    given = ["--data_dir", tmp_path / "data", "--output", tmp_path / "out"]
    said = refused(runs["cola"], runs["sts"], *given)
    assert "split 'test'" in said and "STS-B/test.tsv" in said


def test_output_that_exists_is_kept(runs, predict, refused, tmp_path):
    given = [runs["cola"], "--split", "dev", "--output", tmp_path]
    path = tmp_path / "small-cola-dev-s0.jsonl.gz"
    path.write_bytes(b"mine")
    said = refused(*given)
    assert f"{str(path)!r} exists" in said and path.read_bytes() == b"mine"
    predict(*given, "--overwrite")
    assert len(list(read_predictions(str(path)))) == 32
    said = refused(runs["cola"], "--output", path)
    assert "writes into a folder" in said and str(path) in said
    archive = tmp_path / "glue.zip"
    archive.write_bytes(b"mine")
    said = refused(runs["cola"], "--format", "glue", "--output", archive)
    assert "exists" in said and archive.read_bytes() == b"mine"


def test_two_runs_that_would_write_one_file(runs, refused, tmp_path):
    said = refused(runs["cola"], f"{runs['cola']}/", "--output", tmp_path / "out")
    assert f"{runs['cola']!r} and {runs['cola'] + '/'!r} would both write" in said


def test_a_failure_in_the_middle_has_status_1(runs, capsys, monkeypatch, tmp_path):
    def fails(*_):
        raise OSError("no paper left")

    monkeypatch.setattr("electra_bench.cli.predict.write_predictions", fails)
    assert main(["predict", runs["cola"], "--output", str(tmp_path / "out")]) == 1
    assert "no paper left" in the_sentence(capsys.readouterr().err, "predict")
