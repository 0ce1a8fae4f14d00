"""Which of the examples that a model is scored on it has seen, in training or before."""

import re
import shutil

import pytest

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.records import Prediction, RunRecord
from electra_bench.records.leaks import InPretraining, InTraining, TrainingText
from electra_bench.runs.pretrained import Pretrained
from electra_bench.runs.restored import leaks_of_run
from electra_bench.tasks.corpora.examples import corpus_fingerprint
from electra_bench.tasks.corpora.registration import corpus_source
from electra_bench.tasks.leaks import known_splits, leaks
from electra_bench.tasks.leaks.find import find_leaks, look_up_known, not_looked_up
from electra_bench.tasks.leaks.in_text import Overlap
from electra_bench.tasks.leaks.in_training import Repeats
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.scores import Scored

# Of CoLA's second column: rows with lines of the corpus, and with shuffled words.
AS_IT_WAS = "1"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(cola_dir):
    with run_context.use(data_dir=str(cola_dir)):
        yield


@pytest.fixture
def text(text_file, tmp_path):
    """The text that the rows of CoLA are lines of, as a run's record has it."""
    path = tmp_path / "text.txt"
    path.write_bytes(text_file.read_bytes())
    arguments = {"files": str(path), "holdout": 0.0}
    sha256 = corpus_fingerprint(corpus_source(**arguments), "train")
    return TrainingText("mine", "train", sha256, arguments)


def of_dev(before, trained=()):
    split = Split.here("cola", "dev")
    return find_leaks([(split, 80)], trained, before)["cola", "dev"]


def test_what_pretraining_has_seen_is_found_by_example(data, text, cola_dir):
    found = of_dev([text]).in_pretraining
    rows = (cola_dir / "CoLA" / "dev.tsv").read_text("utf-8").splitlines()
    fields = [row.split("\t") for row in rows]
    sizes = [len(re.findall(r"[^\W_]+", row[3])) for row in fields]
    seen = {
        str(i)
        for i, (row, size) in enumerate(zip(fields, sizes, strict=True))
        if row[1] == AS_IT_WAS and size >= 8
    }
    whole = of_dev([text])
    assert seen <= set(whole.overlap.dirty) and len(seen) > 15
    # Shuffling has left a row or two of few words as they were.
    assert found.dirty <= len(seen) + 2
    assert found.too_short == sum(size < 8 for size in sizes)
    assert (found.num_examples, found.texts, found.not_checked) == (80, ("mine",), "")
    assert whole.marks == {
        "contaminated": f"{found.dirty} of 80 examples are in text that it was trained on "
        "before: mine"
    }


def test_what_was_looked_up_is_known_when_the_text_is_gone(data, text, capsys):
    look_up_known([text])
    said = capsys.readouterr().out
    known = of_dev([text])
    with open(text.arguments["files"], "a") as file:
        file.write("\n\nOne more.\n")
    assert of_dev([text]) == known and known.in_pretraining.dirty
    # Tasks that other tests have registered may be named before.
    assert re.search(
        r"mine: \d+ scored splits were looked up in it; in it are "
        rf"{len(known.overlap.dirty)} of 80 of cola dev\n$",
        said,
    )
    train = [(Split.here("cola", "train"), 320)]
    changed = find_leaks(train, (), [text])["cola", "train"].in_pretraining
    assert (changed.not_checked, changed.dirty) == ("mine is not as it was", 0)
    both = find_leaks([*train, (Split.here("cola", "dev"), 80)], (), [text])
    assert both["cola", "dev"] == known and both["cola", "train"].overlap is None
    gone = TrainingText("gone", "train", "0", {"files": "no/such.txt"})
    both = of_dev([gone, text]).in_pretraining
    assert both.dirty == known.in_pretraining.dirty and both.texts == ("mine",)
    assert "gone is not there: no file or folder 'no/such.txt'" in both.not_checked
    unknown = of_dev([TrainingText("qqzx", "train", "0")]).in_pretraining
    assert unknown.not_checked.startswith("qqzx is not there: ")


def test_a_training_set_is_read_once_for_all_that_is_scored(data, monkeypatch):
    read = []
    texts = Split.texts

    def counted(split):
        read.append(split.name)
        return texts(split)

    monkeypatch.setattr(Split, "texts", counted)
    train, dev = (Split.here("cola", name) for name in ("train", "dev"))
    found = find_leaks([(dev, 80), (train, 320)], [train], ())
    assert sorted(read) == ["cola-dev", "cola-train", "cola-train"]
    assert found["cola", "train"].in_training.exact == 320
    again = find_leaks([(dev, 80), (train, 320)], [train], ())
    assert again == found and len(read) == 3


def test_nothing_known_of_a_model_is_said(data):
    split = Split.here("cola", "dev")
    assert Pretrained().texts_seen == ()
    assert Pretrained("folder", "checkpoint", "0").texts_seen is None
    old = RunRecord("r", "r", "finetune", "done")
    for record in (None, old):
        found = leaks_of_run(record, [(split, 80)])["cola", "dev"]
        assert found.in_training.not_checked == (
            "its record does not say what it was trained on"
        )
        assert "nothing is known" in found.in_pretraining.not_checked
        assert found.marks == {}
    assert of_dev(()).in_pretraining.not_checked == ""
    why = ["not looked up: it is gone"]
    assert not_looked_up(80, "it is gone").warnings == why


def test_files_that_a_run_does_not_need_do_not_stop_it(
    text, cola_dir, tmp_path, capsys, monkeypatch
):
    shutil.copytree(cola_dir, tmp_path / "data")
    folder = tmp_path / "data" / "SST-2" / "dev.tsv"
    folder.mkdir(parents=True)

    def load(name):
        if name == "mrpc":
            raise ImportError("its plugin needs qqzx")
        return load_task(name)

    monkeypatch.setattr(known_splits, "load_task", load)
    with run_context.use(data_dir=str(tmp_path / "data")):
        look_up_known([text])
        said = capsys.readouterr().out
        assert (
            f"sst is not looked up: [Errno 21] Is a directory: {str(folder)!r}" in said
        )
        assert "mrpc is not looked up: its plugin needs qqzx\n" in said
        assert re.search(r"mine: \d+ scored splits were looked up in it", said)
        # A file of which the hash is known without reading it.
        (tmp_path / "data" / "squad").mkdir()
        (tmp_path / "data" / "squad" / "dev-v2.0.json").write_text("{")
        look_up_known([text])
    assert "not looked up for scored examples: " in capsys.readouterr().out


def test_a_metric_that_fails_on_a_part_of_the_examples(monkeypatch):
    def metrics(task, targets, predictions, scores):
        del task, predictions, scores
        if len(set(targets)) < 2:
            raise ZeroDivisionError("one class")
        return {cola.main_metric: 50.0}

    cola = registry.tasks.get("cola")
    monkeypatch.setattr(leaks, "task_metrics", metrics)
    answers = [Prediction(str(i), int(i > 1), 0) for i in range(6)]
    seen = Repeats(6, ["0", "1"], [], [])
    found = Leaks(InTraining(6, 2), InPretraining(6), seen)
    fields = found.fields(cola, Scored({cola.main_metric: 9}, answers))
    # Of the others all are of one class, too.
    assert (
        fields["in_training"].dirty_score is fields["in_training"].clean_score is None
    )
    found = found._replace(repeats=Repeats(6, ["0", "2"], [], []))
    fields = found.fields(cola, Scored({cola.main_metric: 9}, answers))
    assert fields["in_training"].clean_score == 50.0


def test_clean_and_dirty_scores_are_those_of_the_parts():
    sst = registry.tasks.get("sst")
    right = {"0", "1", "2", "5", "8"}
    answers = [
        Prediction(str(i), "1", "1" if str(i) in right else "0", None)
        for i in range(10)
    ]
    scored = Scored({"accuracy": 50.0}, answers)
    overlap = Overlap(10, ["9"], {"0": 1.0, "1": 0.9, "2": 0.5, "3": 0.6, "4": 0.1})
    known = Leaks(
        InTraining(10, 1, 1),
        InPretraining(10, 4),
        Repeats(10, ["3"], ["5"], ["8"]),
        overlap,
    )
    fields = known.fields(sst, scored)
    # Of 0, 1, 2 and 3 three are right, of the six others two.
    found = fields["in_pretraining"]
    assert found.dirty_score == 75.0
    assert found.clean_score == pytest.approx(100 * 2 / 6)
    # What shares a text with training, as 8, was not seen.
    found = fields["in_training"]
    assert (found.dirty_score, found.clean_score) == (50.0, 50.0)


def test_an_intermediate_task_counts_as_text_before(data):
    train = Split.here("cola", "train")
    seen = TrainingText("cola", "train", train.sha256)
    found = find_leaks([(train, 320)], (), [seen])["cola", "train"].in_pretraining
    assert found.dirty == 320 - found.too_short > 0 and found.texts == ("cola",)


def test_a_share_that_is_marked_and_one_that_is_no_ground_for_claims():
    def marks(dirty, exact=0):
        before = InPretraining(1000, dirty, texts=("mine",))
        return [*Leaks(InTraining(1000, exact), before).marks]

    assert marks(10, exact=10) == []
    assert marks(11, exact=11) == ["seen in train", "partly seen before"]
    assert marks(100) == ["partly seen before"]
    assert marks(101) == ["contaminated"]
