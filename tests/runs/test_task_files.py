"""Tasks that a gin file makes of data files: every format, every kind, fine-tuned."""

import itertools
import json
import re

import pandas as pd
import pytest
from etils import epath
from file_tasks import registered
from small_runs import SMALL_MODEL, the_sentence

from electra_bench.cli.main import main
from electra_bench.data import run_context
from electra_bench.records import read_predictions, read_record

SENTENCES = [
    ("the module reads a file", ["O", "B-THING", "O", "O", "B-THING"]),
    ("open the input stream", ["O", "O", "B-THING", "I-THING"]),
    ("it returns a list of names", ["O", "O", "O", "B-THING", "O", "B-THING"]),
    ("this function is slow", ["O", "B-THING", "O", "O"]),
]
PARTS_OF_SPEECH = {"the": "DET", "a": "DET", "this": "DET", "is": "AUX"}


def rows(kind):
    """Records of a kind, twelve of them, with columns of other names than the features."""
    made = []
    for i in range(12):
        text, tags = SENTENCES[i % len(SENTENCES)]
        words = text.split()
        if kind == "classification":
            mood = "up" if i % 2 else "down"
            made.append({"text": f"{text}, {i}", "mood": mood, "page": i // 3})
        elif kind == "multi_label":
            made.append({"text": f"{text}, {i}", "moods": ["up", "fast"][i % 2 :]})
        elif kind == "regression":
            made.append({"one": text, "two": words[-1], "score": i / 2})
        elif kind == "tagging":
            made.append({"tokens": words, "ner": tags})
        else:
            answer = words[2]
            start = text.index(answer)
            made.append({"q": "what?", "text": text, "answer": answer, "at": start})
    return made


COLUMNS = {
    "classification": {"text_a": "text", "label": "mood", "group": "page"},
    "multi_label": {"text_a": "text", "label": "moods"},
    "regression": {"text_a": "one", "text_b": "two", "label": "score"},
    "tagging": {"words": "tokens", "tags": "ner"},
    "span_qa": {
        "context": "text",
        "question": "q",
        "answers": "answer",
        "answer_start": "at",
    },
}
# What a group is, and how many there are.
UNITS = {
    "classification": ("page", 4),
    "multi_label": ("example", 12),
    "regression": ("text", 4),
    "tagging": ("example", 12),
    "span_qa": ("context", 4),
}
METRICS = {
    "classification": {"accuracy", "mcc", "macro_f1", "f1"},
    "multi_label": {"micro_f1", "macro_f1", "subset_accuracy"},
    "regression": {"spearman", "pearson"},
    "tagging": {"f1", "precision", "recall", "tag_accuracy"},
    "span_qa": {"exact", "f1"},
}


def write(path, kind):
    """Writes records in the format that the file's name says."""
    frame = pd.DataFrame(rows(kind))
    if path.suffix == ".jsonl":
        lines = frame.to_dict("records")
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        separator = "," if path.suffix == ".csv" else "\t"
        as_text = frame.map(lambda v: " ".join(v) if isinstance(v, list) else v)
        as_text.to_csv(path, sep=separator, index=False, lineterminator="\r\n")


def conll(path):
    lines = []
    for words, tags in (x for x in SENTENCES for _ in range(3)):
        lines += [f"{w} x {t}" for w, t in zip(words.split(), tags, strict=True)] + [""]
    path.write_text("-DOCSTART- -X- O\n\n" + "\n".join(lines))


def conllu(path):
    lines = []
    for words, _ in (x for x in SENTENCES for _ in range(3)):
        for i, word in enumerate(words.split(), start=1):
            tag = PARTS_OF_SPEECH.get(word, "X")
            lines.append("\t".join([str(i), word, word, tag, *["_"] * 6]))
        lines.append("")
    path.write_text("# text\n" + "\n".join(lines))


def task(name, kind, path, columns=None, **more):
    """Lines of a gin file that makes a task of one file for both splits."""
    files = {"train": path.name, "dev": path.name, **more}
    return (
        f"tasks.{name}.kind = {kind!r}\n"
        f"tasks.{name}.files = {files!r}\n"
        f"tasks.{name}.columns = {columns or {}!r}\n"
    )


def command(vocab_file, tmp_path, task_file, *more):
    bindings = [*SMALL_MODEL, "EPOCHS = 1.0", "runs.finetune.batch_size = 6"]
    bindings += [
        f"VOCAB = {str(vocab_file)!r}",
        f"WORKDIR = {str(tmp_path / 'runs')!r}",
    ]
    bindings += [f"DATA_DIR = {str(tmp_path)!r}", "LABEL = 'small'", *more]
    parameters = [x for binding in bindings for x in ("--gin_param", binding)]
    return ["finetune", "runs/finetune.gin", "--task_file", str(task_file), *parameters]


ENDINGS = (".tsv", ".csv", ".jsonl", ".parquet")


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_format_holds_the_same_examples_of_a_kind(kind, tmp_path):
    found = []
    for ending in ENDINGS:
        path = tmp_path / f"{kind}{ending}"
        write(path, kind)
        text = task(f"in_{kind}_{ending[1:]}", kind, path, COLUMNS[kind])
        if kind == "multi_label":
            text += f"tasks.in_{kind}_{ending[1:]}.label_sep = ' '\n"
        source = registered(text.splitlines(), tmp_path)
        with run_context.use(data_dir=str(tmp_path)):
            found.append(source.examples("dev"))
    assert len(found[0]) == 12 and all(examples == found[0] for examples in found)


def test_every_kind_is_trained_together(vocab_file, tmp_path, capsys):
    text = ""
    for (kind, columns), ending in zip(
        COLUMNS.items(), itertools.cycle(ENDINGS), strict=False
    ):
        path = tmp_path / f"{kind}{ending}"
        write(path, kind)
        text += task(f"my_{kind}", kind, path, columns)
    text += "tasks.my_multi_label.label_sep = ' '\n"
    task_file = tmp_path / "my.gin"
    task_file.write_text(text)
    assert main(command(vocab_file, tmp_path, task_file)) == 0
    capsys.readouterr()
    [path] = (tmp_path / "runs").glob("*/record.json")
    record = read_record(str(path))
    assert {r.task for r in record.results} == {f"my_{kind}" for kind in COLUMNS}
    for result in record.results:
        kind = result.task.removeprefix("my_")
        assert set(result.metrics) == METRICS[kind]
        assert result.num_examples == 12
        # The pairs of regression have the same four longer texts, the questions contexts.
        assert (result.unit, result.num_groups) == UNITS[kind]
        file = path.parent / result.predictions_path
        found = [line.group for line in read_predictions(str(file))]
        assert len(set(found)) == (1 if UNITS[kind][0] == "example" else 4)
    assert tuple(record.hparams["tasks.my_classification.labels"]) == ("down", "up")
    assert tuple(record.hparams["tasks.my_regression.label_range"]) == (0.0, 5.5)
    assert record.hparams["tasks.my_classification.floor"] == 50.0


def test_column_files_and_conllu(vocab_file, tmp_path, capsys):
    conll(tmp_path / "names.conll")
    conllu(tmp_path / "words.conllu")
    (tmp_path / "words.txt").write_text("open\nthe\n\nthis\n")
    task_file = tmp_path / "my.gin"
    task_file.write_text(
        task("my_names", "tagging", tmp_path / "names.conll", test="words.txt")
        + task("my_words", "tagging", tmp_path / "words.conllu")
    )
    assert main(command(vocab_file, tmp_path, task_file)) == 0
    [path] = (tmp_path / "runs").glob("*/record.json")
    names, words = read_record(str(path)).results
    assert names.main_metric == "f1" and words.main_metric == "tag_accuracy"
    # Six of the nineteen words are no X.
    assert words.floor == pytest.approx(100 * 13 / 19)

    # The run's own configuration repeats it, evaluates it and predicts it.
    run = str(path.parent)
    capsys.readouterr()
    assert main(["finetune", f"{run}/config.gin"]) == 0
    assert "is done already" in capsys.readouterr().out
    flags = ["--gin.EVAL_TASK='my_words'"]
    assert main(["evaluate", run, *flags]) == 0
    # As it was computed, without rounding.
    [printed] = re.findall(r"tag_accuracy = (\S+)", capsys.readouterr().out)
    assert float(printed) == pytest.approx(words.metrics["tag_accuracy"])
    output = [
        "--task",
        "my_names",
        "--format",
        "conll",
        "--output",
        str(tmp_path / "t"),
    ]
    assert main(["predict", run, *output]) == 0
    found = [line.split() for line in (tmp_path / "t").read_text().splitlines()]
    assert [row[:2] for row in found if row] == [
        [w, "_"] for w in ("open", "the", "this")
    ]


def test_fractions_deal_one_file_out(tmp_path):
    from electra_bench import registry
    from electra_bench.runs.launch import parse
    from electra_bench.tasks.from_files.registration import register_file_tasks
    from electra_bench.tasks.registration import load_task

    write(tmp_path / "all.csv", "classification")
    lines = [
        "tasks.dealt.kind = 'classification'",
        "tasks.dealt.files = {'all': 'all.csv'}",
        "tasks.dealt.fractions = {'train': 0.5, 'dev': 0.25, 'test': 0.25}",
        "tasks.dealt.columns = {'text_a': 'text', 'label': 'mood'}",
        "tasks.dealt.labels = ('up', 'down')",
    ]
    [name] = register_file_tasks(parse((), lines), data_dir=str(tmp_path))
    assert registry.tasks.get(name).labels == ("up", "down")
    with run_context.use(data_dir=str(tmp_path)):
        texts = {
            split: [
                x["text_a"]
                for x in load_task(name)
                .source.get_dataset(split, False)
                .as_numpy_iterator()
            ]
            for split in ("train", "dev", "test")
        }
    assert [len(t) for t in texts.values()] == [6, 3, 3]
    assert len(set(sum(texts.values(), []))) == 12


BAD = {
    "unknown kind": (
        "tasks.bad.kind = 'sorting'",
        "kind 'sorting' is none that files hold",
    ),
    "a scheme of no tags": (
        "tasks.bad.scheme = 'IOB1'",
        "scheme is of tagging tasks, this one is classification",
    ),
    "no such scheme": (
        "tasks.bad.scheme = 'BIO'",
        "scheme must be one of ['IOB2', 'IOB1', 'BIOES', 'BILOU', 'BMES', 'BMEWO', "
        "'none'], got 'BIO'",
    ),
    "no such column": (
        "tasks.bad.columns = {'text_a': 'txt', 'label': 'mood'}",
        "line 2: no column 'txt' for text_a; columns: ['text', 'mood', 'page']",
    ),
    "no column of groups": (
        "tasks.bad.columns = {'text_a': 'text', 'label': 'mood', 'group': 'pge'}",
        "line 2: no column 'pge' for group; columns: ['text', 'mood', 'page']",
    ),
    "no such feature": (
        "tasks.bad.columns = {'text_c': 'text'}",
        "a classification task has no 'text_c'",
    ),
    "no file": (
        "tasks.bad.files = {'train': 'nothing.csv', 'dev': 'all.csv'}",
        "split 'train': no file or folder 'nothing.csv' here or in",
    ),
    "no file matches": (
        "tasks.bad.files = {'train': ['all.csv', 'part-*.csv'], 'dev': 'all.csv'}",
        "split 'train': no file matches 'part-*.csv' here or in",
    ),
    "no files": (
        "tasks.bad.files = {'train': [], 'dev': 'all.csv'}",
        "split 'train' is bound to [], expected a file, a glob, or a list of them",
    ),
    "no dev split": (
        "tasks.bad.files = {'train': 'all.csv'}",
        "no file for the split 'dev'",
    ),
    "an unknown label": (
        "tasks.bad.labels = ('up', 'dwn')",
        "line 2: unknown label 'down'; near: ['dwn']",
    ),
    "one label only": (
        "tasks.bad.columns = {'text_a': 'mood', 'label': 'same'}",
        "line 2: no column 'same' for label",
    ),
    "a wrong metric": (
        "tasks.bad.metric = 'bleu'",
        "metric 'bleu' is none of this task",
    ),
    "an unknown parameter": (
        "tasks.bad.colums = {}",
        "tasks.bad has no parameter 'colums'",
    ),
    "a task with code": ("tasks.cola.kind = 'classification'", "task 'cola' has code"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_definitions_are_one_sentence(case, vocab_file, tmp_path, capsys):
    write(tmp_path / "all.csv", "classification")
    lines = {
        "tasks.bad.kind": "'classification'",
        "tasks.bad.files": "{'train': 'all.csv', 'dev': 'all.csv'}",
        "tasks.bad.columns": "{'text_a': 'text', 'label': 'mood'}",
    }
    binding, expected = BAD[case]
    key, value = binding.split(" = ", 1)
    lines[key] = value
    task_file = tmp_path / "my.gin"
    task_file.write_text("".join(f"{k} = {v}\n" for k, v in lines.items()))
    more = ["TASK = 'bad'"]
    assert main(command(vocab_file, tmp_path, task_file, *more)) == 2
    sentence = the_sentence(capsys.readouterr().err, "finetune")
    assert expected in sentence, sentence
    assert not (tmp_path / "runs").exists()


def test_a_field_of_csv_may_be_a_long_document(tmp_path):
    from electra_bench.data.readers.records import read_records

    long = "a" * 200_000
    (tmp_path / "all.csv").write_text(f"text,mood\n{long},up\n")
    [record] = read_records(epath.Path(tmp_path / "all.csv"))
    assert record.fields["text"] == long


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('text,mood\n"a\nb",up\nc,down,x\n', "line 4: got 3 columns, expected 2"),
        ('text,mood\n"a,up\n', "line 2: unexpected end of data"),
        ("text,text\na,b\n", "line 1: two columns are called 'text'"),
        ("text,mood\na,up\nb,\nc,down\n", "line 3: no label"),
        ("text,mood\n", "no rows"),
        (b"text,mood\n\xff,up\n", "not UTF-8 at byte 10"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
    ],
)
def test_bad_files_are_named(content, expected, tmp_path):
    from electra_bench.runs.launch import parse
    from electra_bench.tasks.from_files.registration import register_file_tasks

    path = tmp_path / "all.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lines = [
        "tasks.bad.kind = 'classification'",
        "tasks.bad.files = {'train': 'all.csv', 'dev': 'all.csv'}",
        "tasks.bad.columns = {'text_a': 'text', 'label': 'mood'}",
    ]
    with pytest.raises(ValueError) as caught:
        register_file_tasks(parse((), lines), data_dir=str(tmp_path))
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


JSON_LINES = {
    "a text that is named and in no line": (
        {"text_b": "second"},
        [{"text_a": "a", "label": "x"}, {"text_a": "b", "label": "y"}],
        "no column 'second' for text_b",
    ),
    "a line without its text": (
        {},
        [{"text_a": "a", "label": "x"}, {"text": "b", "label": "y"}],
        "line 2: no 'text_a'; there are ['label', 'text']",
    ),
    "a list where a text is expected": (
        {},
        [{"text_a": "a", "label": "x"}, {"text_a": ["b", "c"], "label": "y"}],
        "line 2: 'text_a' is ['b', 'c'], expected text",
    ),
    "an on_error that is misspelt": (
        {"on_error": "rasie"},
        [{"text_a": "a", "label": "x"}, {"text_a": "b", "label": "y"}],
        "on_error must be 'raise' or 'skip', got 'rasie'",
    ),
}


@pytest.mark.parametrize("case", JSON_LINES)
def test_bad_lines_are_named(case, tmp_path):
    from electra_bench.runs.launch import parse
    from electra_bench.tasks.from_files.registration import register_file_tasks

    columns, content, expected = JSON_LINES[case]
    on_error = columns.get("on_error", "raise")
    columns = {k: v for k, v in columns.items() if k != "on_error"}
    path = tmp_path / "all.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in content))
    lines = [
        "tasks.bad.kind = 'classification'",
        "tasks.bad.files = {'train': 'all.jsonl', 'dev': 'all.jsonl'}",
        f"tasks.bad.columns = {columns!r}",
        f"tasks.bad.on_error = {on_error!r}",
    ]
    with pytest.raises(ValueError) as caught:
        register_file_tasks(parse((), lines), data_dir=str(tmp_path))
    assert expected in str(caught.value)


LEFT_OPEN = {
    "tags of no span": (
        ("tagging", "conll", "a O\nb O\n", "a O\n"),
        "the training set has only the tag 'O', expected two or more different ones: give "
        "a training set that has them, or name them all in `labels`",
    ),
    "one class": (
        ("classification", "tsv", "text_a\tlabel\nx\tgood\ny\tgood\n", ""),
        "the training set has only the label 'good', expected two or more",
    ),
    "one number": (
        ("regression", "tsv", "text_a\tlabel\nx\t2.5\ny\t2.5\n", ""),
        "labels of the training set are all 2.5: give a training set in which they differ, "
        "or their smallest and largest value in `label_range`",
    ),
    "a number outside": (
        (
            "regression",
            "tsv",
            "text_a\tlabel\nx\t1\ny\t4\n",
            "text_a\tlabel\nz\t5\n",
        ),
        "dev.tsv, line 2: label 5 is outside [1.0, 4.0], as read off the training set; if "
        "it is right, give `label_range`",
    ),
    "another class": (
        (
            "classification",
            "tsv",
            "text_a\tlabel\nx\tup\ny\tdown\n",
            "text_a\tlabel\nz\tupp\n",
        ),
        "line 2: unknown label 'upp'; near: ['up']; all: ['down', 'up'], as read off the "
        "training set; if it is right, give `labels`",
    ),
    "another tag": (
        ("tagging", "conll", "a O\nb B-X\n", "a O\nb B-Y\n"),
        "line 2: unknown label 'S-Y'; near: ['S-X']; ",
    ),
}


@pytest.mark.parametrize("case", LEFT_OPEN)
def test_what_the_training_set_does_not_tell_is_asked_for(case, tmp_path):
    (kind, ending, train, dev), expected = LEFT_OPEN[case]
    for split, text in (("train", train), ("dev", dev or train)):
        (tmp_path / f"{split}.{ending}").write_text(text)
    files = {split: f"{split}.{ending}" for split in ("train", "dev")}
    lines = [f"tasks.left_open.kind = {kind!r}", f"tasks.left_open.files = {files!r}"]
    with pytest.raises(ValueError) as error:
        source = registered(lines, tmp_path)
        with run_context.use(data_dir=str(tmp_path)):
            source.examples("dev")
    assert expected in str(error.value)


def test_a_range_and_labels_that_are_given_are_believed(tmp_path):
    for split, label in (("train", 2), ("dev", 5)):
        table = f"text_a\tlabel\nx\t{label}\ny\t{label}\n"
        (tmp_path / f"{split}.tsv").write_text(table)
    files = "{'train': 'train.tsv', 'dev': 'dev.tsv'}"
    lines = ["tasks.told.kind = 'regression'", f"tasks.told.files = {files}"]
    more = "tasks.told.label_range = (0, 5)"
    assert registered([*lines, more], tmp_path).definition.label_range == (0, 5)
    lines[0] = "tasks.told.kind = 'classification'"
    more = "tasks.told.labels = ('2', '5')"
    assert registered([*lines, more], tmp_path).definition.labels == ("2", "5")


def test_splits_to_predict_need_neither_labels_nor_tags(tmp_path):
    (tmp_path / "a.csv").write_text("text_a,label\na,x\nb,y\n")
    (tmp_path / "b.csv").write_text("text_a,label\na,-1\nb,-1\n")
    (tmp_path / "c.conll").write_text("he O\n\nAnn S-PER\n")
    (tmp_path / "d.conll").write_text("he\n\nAnn\n")
    texts = [
        "tasks.plain.kind = 'classification'",
        "tasks.plain.files = {'train': 'a.csv', 'dev': 'a.csv', 'test': 'b.csv'}",
    ]
    words = [
        "tasks.names.kind = 'tagging'",
        "tasks.names.files = {'train': 'c.conll', 'dev': 'c.conll', 'test': 'd.conll'}",
        "tasks.names.labels = ('O', 'B-PER', 'I-PER')",
    ]
    with run_context.use(data_dir=str(tmp_path)):
        source = registered(texts, tmp_path)
        assert [e.label for e in source.examples("test")] == ["", ""]
        source = registered(words, tmp_path)
        assert [e.tags for e in source.examples("test")] == [("",), ("",)]
        assert set(source.definition.labels) == {
            "O",
            *(f"{form}-PER" for form in "BIES"),
        }


def test_whole_numbers_of_parquet_stay_whole_beside_missing_ones(tmp_path):
    for name, labels in {"a": [0, 1, 1], "b": [0, 1, None]}.items():
        frame = pd.DataFrame({"text_a": ["a", "b", "c"], "label": labels})
        frame.astype({"label": "Int64"}).to_parquet(tmp_path / f"{name}.parquet")
    lines = [
        "tasks.whole.kind = 'classification'",
        "tasks.whole.files = {'train': 'a.parquet', 'dev': 'b.parquet'}",
        "tasks.whole.on_error = 'skip'",
    ]
    with run_context.use(data_dir=str(tmp_path), max_skipped=0.5):
        source = registered(lines, tmp_path)
        assert [e.label for e in source.examples("dev")] == ["0", "1"]


def test_validate_shows_the_values_of_a_small_regression_task(
    vocab_file, tmp_path, capsys
):
    (tmp_path / "all.csv").write_text("text_a,label\na,1\nb,5\n")
    task_file = tmp_path / "my.gin"
    task_file.write_text(task("scores", "regression", tmp_path / "all.csv"))
    flags = ["--data_dir", str(tmp_path), f"--gin.VOCAB={str(vocab_file)!r}"]
    assert main(["validate", "task", "--task_file", str(task_file), *flags]) == 0
    assert "values: smallest 1.0, median 3.0, largest 5.0" in capsys.readouterr().out
    # Without another file that says how, a task file is fine-tuned as usual.
    sizes = [x for binding in SMALL_MODEL for x in ("--gin_param", binding)]
    more = ["--gin.runs.finetune.batch_size=1", "--dry_run"]
    command = ["finetune", "--task_file", str(task_file), *flags, *sizes, *more]
    assert main(command) == 0
    assert "electra-untrained-scores-s0" in capsys.readouterr().out


def test_bad_rows_can_be_skipped_and_are_counted(tmp_path):
    from electra_bench.runs.launch import parse
    from electra_bench.tasks.from_files.registration import register_file_tasks
    from electra_bench.tasks.registration import load_task

    (tmp_path / "all.csv").write_text("text,mood\na,up\nb,\nc,down\n")
    lines = [
        "tasks.skips.kind = 'classification'",
        "tasks.skips.files = {'train': 'all.csv', 'dev': 'all.csv'}",
        "tasks.skips.columns = {'text_a': 'text', 'label': 'mood'}",
        "tasks.skips.on_error = 'skip'",
    ]
    here = {"data_dir": str(tmp_path), "max_skipped": 0.5}
    register_file_tasks(parse((), lines), **here)
    source = load_task("skips").source
    with run_context.use(**here, skipped={}) as context:
        assert source.num_input_examples("train") == 2
    [reason] = context.skipped
    assert "line 3: no label" in reason


LINES = {
    "a word without a tag": (
        "tagging",
        "all.conll",
        "a O\nb O\n\nc O\nd\n\ne B-X\n\nf B-X\n",
        "line 5: got 1 columns, expected 2",
        [0, 2, 3],
    ),
    "an unknown tag": (
        "tagging",
        "all.conll",
        "a O\nb O\n\nc O\nd X\n\ne B-X\n\nf B-X\n",
        "line 5: unknown label 'X'",
        [0, 2, 3],
    ),
    "a word of CoNLL-U without its columns": (
        "tagging",
        "all.conllu",
        "1\ta\t_\tO\t_\t_\t_\t_\t_\t_\n\n1 b O\n\n1\tc\t_\tB-X\t_\t_\t_\t_\t_\t_\n",
        "line 3: got 1 columns, expected 10, separated by tabs",
        [0, 2],
    ),
    "a row of CSV with a column too many": (
        "classification",
        "all.csv",
        "text_a,label\na,x\nb,y,z\nc,y\n",
        "line 3: got 3 columns, expected 2",
        [0, 2],
    ),
    "the first row of TSV without header": (
        "classification",
        "all.tsv",
        "a\nb\tx\nc\ty\n",
        "line 1: got 1 columns, expected 2",
        [1, 2],
    ),
    "a line that is nested too deeply": (
        "classification",
        "all.jsonl",
        '{"text_a": "a", "label": "x"}\n'
        + "[" * 100_000
        + '\n{"text_a": "b", "label": "y"}\n',
        "line 2: expected one JSON object a line: nested too deeply",
        [0, 2],
    ),
    "a stray byte in JSON lines": (
        "classification",
        "all.jsonl",
        '{"text_a": "a", "label": "x"}\n{"text_a": "\udcff"}\n'
        '{"text_a": "b", "label": "y"}\n',
        "line 2: not UTF-8 at byte 42",
        [0, 2],
    ),
    "a stray byte in TSV": (
        "classification",
        "all.tsv",
        "a\tx\n\udcff\ty\nc\ty\n",
        "line 2: not UTF-8 at byte 4",
        [0, 2],
    ),
    "a carriage return in TSV": (
        "classification",
        "all.tsv",
        "a\tx\nb\rb\ty\nc\ty\n",
        "line 2: a carriage return inside a field",
        [0, 2],
    ),
    "a stray byte in a column file": (
        "tagging",
        "all.txt",
        "a O\n\nb O\n\udcff O\n\n\udcff O\n\nc B-X\n",
        "line 4: not UTF-8 at byte 9",
        [0, 3],
    ),
    "a line that is no JSON": (
        "classification",
        "all.jsonl",
        '{"text_a": "a", "label": "x"}\n{"text_a"\n{"text_a": "b", "label": "y"}\n',
        "line 2: expected one JSON object a line",
        [0, 2],
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_a_bad_line_is_named_or_skipped(case, tmp_path):
    kind, name, content, expected, kept = LINES[case]
    path = tmp_path / name
    path.write_bytes(content.encode(errors="surrogateescape"))
    lines = [
        f"tasks.lined.kind = {kind!r}",
        f"tasks.lined.files = {{'train': {name!r}, 'dev': {name!r}}}",
    ]
    if kind == "tagging":
        lines.append("tasks.lined.labels = ('O', 'B-X')")
    if name.endswith(".tsv"):
        lines.append("tasks.lined.columns = {'text_a': 0, 'label': 1}")
    with pytest.raises(ValueError) as caught:
        registered(lines, tmp_path)
    assert f"{path}, {expected}" in str(caught.value)
    with run_context.use(
        data_dir=str(tmp_path), on_error="skip", max_skipped=0.7, skipped={}
    ) as context:
        lines.append("tasks.lined.on_error = 'skip'")
        source = registered(lines, tmp_path)
        rows = source.get_dataset("train", shuffle=False).as_numpy_iterator()
        assert [row["idx"] for row in rows] == kept
    reason, *_ = context.skipped
    assert f"{path}, {expected}" in reason


SEVERAL = {
    "tables": (
        "classification",
        {"a.tsv": "text_a\tlabel\na\tx\n", "b.csv": "label,text_a\ny,b\nx,c\n"},
        "text_a\tlabel\na\tx\nb\ty\nc\tx\n",
    ),
    "sentences in two schemes": (
        "tagging",
        {"a.conll": "u O\nv I-X\n", "b.bio": "w S-X\n\nx B-X\ny E-X\n"},
        "u O\nv B-X\n\nw B-X\n\nx B-X\ny I-X\n",
    ),
    "questions without ids": (
        "span_qa",
        {
            "a.jsonl": '{"question": "q", "context": "a b", "answers": "a"}\n',
            "b.jsonl": '{"question": "r", "context": "a b", "answers": "b"}\n',
        },
        '{"question": "q", "context": "a b", "answers": "a"}\n'
        '{"question": "r", "context": "a b", "answers": "b"}\n',
    ),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_several_files_of_a_split_are_as_one(case, tmp_path):
    kind, parts, whole = SEVERAL[case]
    folder = tmp_path / "data [1]"  # a name, no pattern
    folder.mkdir()
    for name, content in parts.items():
        (folder / name).write_text(content)
    ending = {"classification": "tsv", "tagging": "conll", "span_qa": "jsonl"}[kind]
    (folder / f"whole.{ending}").write_text(whole)
    first, second = parts
    lines = [f"tasks.several.kind = {kind!r}"]
    examples = []
    with run_context.use(data_dir=str(folder)):
        for files in (f"whole.{ending}", [first, second], ["a.*", "b.*"], "[ab].*"):
            bound = f"tasks.several.files = {{'train': {files!r}, 'dev': {files!r}}}"
            source = registered([*lines, bound], folder)
            examples.append(list(source.examples("dev")))
        reversed_files = {"dev": [second, first]}
        with run_context.use(files=reversed_files):
            assert list(source.examples("dev")) != examples[0]
    assert examples[1:] == examples[:1] * 3


def test_a_bad_row_of_the_second_file_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("text_a,label\na,x\nb,y\n")
    (tmp_path / "b.csv").write_text("text_a,label\na,x\nb\n")
    lines = ["tasks.second.kind = 'classification'"]
    lines.append("tasks.second.files = {'train': '*.csv', 'dev': 'a.csv'}")
    with pytest.raises(ValueError, match=r"b.csv, line 3: got 1 columns, expected 2"):
        registered(lines, tmp_path)


ODD_LABELS = {
    "a header over numbers": (
        "all.csv",
        "text,stars\na,1\nb,2\nc,1\nd,2\n",
        {
            "header as a row": "line 1: 'stars' stands over numbers only",
            "labels seen once": "line 1: 'stars' is the label of nothing else in train",
        },
    ),
    "a header over ids": (
        "all.tsv",
        "text\tmood\tid\na\tmood\t1\nb\tup\t2\nc\tup\t-3e2\n",
        {"header as a row": "line 1: 'id' stands over numbers only"},
    ),
    "a header over texts": (
        "all.tsv",
        "text\tmood\na\tup\nb\tdown\nc\tup\nd\tdown\n",
        {"labels seen once": "line 1: 'mood' is the label of nothing else in train"},
    ),
    "a class of one row": (
        "all.csv",
        "a,up\nb,down\nc,up\nd,downn\ne,down\n",
        {"labels seen once": "line 4: 'downn' is the label of nothing else in train"},
    ),
    "a header over tags": (
        "all.conll",
        "word tag\na DET\nb NOUN\n\na DET\nb NOUN\n",
        {"labels seen once": "line 1: 'tag' is the label of nothing else"},
    ),
    "a type of one span": (
        "all.conll",
        "a B-X\nb I-X\nc B-X\nd B-Y\n",
        {"labels seen once": "line 1: 'Y' is the label of nothing else"},
    ),
    "every class of one row": ("all.csv", "a,up\nb,down\n", {}),
    "text below text, numbers below numbers": ("all.csv", "1,up\n2,down\n3,4\n", {}),
}


@pytest.mark.parametrize("case", ODD_LABELS)
def test_labels_and_first_lines_that_are_hardly_meant_are_noted(case, tmp_path):
    name, content, expected = ODD_LABELS[case]
    (tmp_path / name).write_text(content)
    is_tagging = name == "all.conll"
    files = {"train": name, "dev": name}
    lines = [f"tasks.noted.kind = {'tagging' if is_tagging else 'classification'!r}"]
    lines.append(f"tasks.noted.files = {files!r}")
    if not is_tagging:
        lines.append("tasks.noted.columns = {'text_a': 0, 'label': 1}")
    with run_context.use(data_dir=str(tmp_path), notes={}) as context:
        registered(lines, tmp_path).examples("train")
    found = {mark: list(places) for mark, places in context.notes.items()}
    assert found.keys() == expected.keys()
    for mark, message in expected.items():
        assert len(found[mark]) == 1 and message in found[mark][0]


@pytest.mark.parametrize("name", ["all.tsv", "all.csv"])
def test_a_header_in_the_midst_of_a_file_is_no_example(name, tmp_path):
    rows = ["text_a,label", "a,x", "b,y", "text_a,label", "c,x"]
    content = "\n".join(rows) + "\n"
    comma = "," if name.endswith("csv") else "\t"
    (tmp_path / name).write_text(content.replace(",", comma))
    lines = ["tasks.again.kind = 'classification'"]
    lines.append(f"tasks.again.files = {{'train': {name!r}, 'dev': {name!r}}}")
    with pytest.raises(ValueError, match="line 4: the header again"):
        registered(lines, tmp_path)


ODD_TAGS = {
    "in dev": ("all.conll", "x 0\n\na B-X\nb I-X\n", "line 1", "dev"),
    "in a tagged text": (
        "all.jsonl",
        '{"words": "a b", "tags": "B-X I-X"}\n{"words": "a b", "tags": ["0", "B-X"]}\n',
        "line 2",
        "dev",
    ),
    "in train": ("all.conll", "a B-X\nb 0\n\na B-X\nb I-X\n", "line 2", "train"),
    "several": (
        "all.conll",
        "a X-B\nb 0\nc -\nd _\n\n" + "a X-B\nb X-I\nc O\n" * 4,
        "line 2",
        "train",
    ),
}


@pytest.mark.parametrize("case", ODD_TAGS)
def test_an_odd_tag_is_named_and_spans_stay_the_metric(case, tmp_path):
    name, content, where, split = ODD_TAGS[case]
    (tmp_path / name).write_text(content)
    (tmp_path / "good.conll").write_text("a B-X\nb I-X\n\nc O\n")
    files = {"train": "good.conll", "dev": "good.conll", split: name}
    lines = ["tasks.odd.kind = 'tagging'", f"tasks.odd.files = {files!r}"]
    with pytest.raises(ValueError) as caught:
        registered(lines, tmp_path)
    place = f"{tmp_path / name}, {where}: unknown label '0', other tags are in IOB2"
    assert place in str(caught.value)
    with run_context.use(
        data_dir=str(tmp_path), on_error="skip", max_skipped=0.5, skipped={}
    ) as context:
        source = registered([*lines, "tasks.odd.on_error = 'skip'"], tmp_path)
        assert source.definition.metric == "f1"
        assert len(source.examples(split)) == 1
    assert place in next(iter(context.skipped))


@pytest.mark.parametrize(
    ("content", "scheme", "metric", "expected"),
    [
        ("London I-LOC\nHarry I-PER\n", None, "f1", ("S-LOC", "S-PER")),
        ("a B-LOC\nb L-LOC\nc U-LOC\n", None, "f1", ("B-LOC", "E-LOC", "S-LOC")),
        ("a LOC-B\nb O\n", None, "f1", ("S-LOC", "O")),
        ("a B\nb I\nc O\n", None, "f1", ("B-_", "E-_", "O")),
        ("a I\nb O\n", "IOB1", "f1", ("S-_", "O")),
        ("a B-X\nb 0\n", "none", "tag_accuracy", ("B-X", "0")),
    ],
)
def test_the_scheme_of_a_file_is_found_or_bound(
    content, scheme, metric, expected, tmp_path
):
    (tmp_path / "all.conll").write_text(content)
    files = {"train": "all.conll", "dev": "all.conll"}
    lines = ["tasks.schemed.kind = 'tagging'", f"tasks.schemed.files = {files!r}"]
    lines.append(f"tasks.schemed.scheme = {scheme!r}")
    with run_context.use(data_dir=str(tmp_path), notes={}) as context:
        source = registered(lines, tmp_path)
        assert source.definition.metric == metric
        assert source.examples("dev")[0].tags == expected
    assert not context.notes


def test_words_in_a_text_stand_between_blanks(tmp_path):
    row = '{"words": "10\\u00a0000  Euro\\u3000x", "tags": "B-X\\tO"}\n'
    (tmp_path / "all.jsonl").write_text(row)
    files = {"train": "all.jsonl", "dev": "all.jsonl"}
    lines = ["tasks.spaced.kind = 'tagging'", f"tasks.spaced.files = {files!r}"]
    with run_context.use(data_dir=str(tmp_path)):
        [example] = registered(lines, tmp_path).examples("dev")
    assert example.words == ("10\xa0000", "Euro\u3000x")


ALIKE = {
    "classification": (
        "all.tsv",
        "text_a\tlabel\na\tup\nb\tup\nc\tUp\nd\tup\u200b\ne\tdown\n",
        "dev: 'Up' (1), 'up' (2), 'up\\u200b' (1) differ only by case",
    ),
    "tagging": (
        "all.conll",
        "a B-LOC\nb I-LOC\nc B-LOC\n\nd B-Loc\ne O\n",
        "dev: 'LOC' (2), 'Loc' (1) differ only by case",
    ),
    "tags of words": (
        "all.jsonl",
        '{"words": ["a", "b"], "tags": ["NN", "NN\\u00a0"]}\n',
        "dev: 'NN' (1), 'NN\\xa0' (1) differ only by case",
    ),
}


@pytest.mark.parametrize("case", ALIKE)
def test_labels_that_look_alike_are_noted(case, tmp_path):
    name, content, expected = ALIKE[case]
    (tmp_path / name).write_text(content)
    kind = "classification" if case == "classification" else "tagging"
    files = {"train": name, "dev": name}
    lines = [f"tasks.alike.kind = {kind!r}", f"tasks.alike.files = {files!r}"]
    source = registered(lines, tmp_path)
    with run_context.use(data_dir=str(tmp_path), notes={}) as context:
        source.examples("dev")
    [said] = context.notes["labels alike"]
    assert said.startswith(expected)


MOSTLY_BAD = {
    "classification": ("text_a,label\n" + "a\n" * 90 + "a,x\nb,y\n" * 10, "90 of 110"),
    "regression": ("text_a,label\n" + "a,1_0\n" * 3 + "a,1\nb,2\n" * 10, "3 of 23"),
    "span_qa": (
        "question,context,answers\n" + "q,a b,c\n" * 3 + "q,a b,b\n" * 20,
        "3 of 23",
    ),
}


@pytest.mark.parametrize("kind", MOSTLY_BAD)
def test_skipping_stops_where_too_much_would_be_left_out(kind, tmp_path):
    content, share = MOSTLY_BAD[kind]
    (tmp_path / "a.csv").write_text(content)
    lines = [
        f"tasks.mostly.kind = {kind!r}",
        "tasks.mostly.files = {'train': 'a.csv', 'dev': 'a.csv'}",
        "tasks.mostly.on_error = 'skip'",
    ]
    with run_context.use(data_dir=str(tmp_path), skipped={}):
        with pytest.raises(ValueError) as caught:
            registered(lines, tmp_path).examples("train")
        assert f"split 'train': {share} rows cannot be used" in str(caught.value)
        assert "more like it" in str(caught.value)
        with run_context.use(max_skipped=0.9):
            assert len(registered(lines, tmp_path).examples("train")) == 20


EMPTY = {
    "classification": ("a.csv", "text_a,label\n,x\na,y\n ,x\nb,y\n", "text_a"),
    "regression": ("a.jsonl", '{"text_a": null, "label": 1}\n' * 2, "text_a"),
    "span_qa": (
        "a.csv",
        "question,context,answers\n,a b,a\nq,a b,\n , a,a\n",
        "question",
    ),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_texts_without_anything_are_noted(kind, tmp_path):
    name, content, field = EMPTY[kind]
    (tmp_path / name).write_text(content)
    lines = [
        f"tasks.empty.kind = {kind!r}",
        f"tasks.empty.files = {{'train': {name!r}, 'dev': {name!r}}}",
    ]
    if kind == "regression":
        lines.append("tasks.empty.label_range = (0.0, 5.0)")
    with run_context.use(data_dir=str(tmp_path), notes={}) as context:
        registered(lines, tmp_path).examples("dev")
    said = list(context.notes["texts empty"])
    assert len(said) == 2 and all(one.endswith(f": {field} is empty") for one in said)


def test_a_split_may_be_labelled_in_part(tmp_path):
    (tmp_path / "a.csv").write_text("text_a,label\na,x\nb,y\n")
    (tmp_path / "b.csv").write_text("text_a,label\na,-1\nb,y\nc,\n")
    lines = [
        "tasks.partly.kind = 'classification'",
        "tasks.partly.files = {'train': 'a.csv', 'dev': 'a.csv', 'test': 'b.csv'}",
    ]
    with run_context.use(data_dir=str(tmp_path)):
        source = registered(lines, tmp_path)
        assert [e.label for e in source.examples("test")] == ["", "y", ""]


def test_skipped_sentences_are_marked_in_the_record(finetune, tmp_path, capsys):
    folder = tmp_path / "data" / "wnut17"
    folder.mkdir(parents=True)
    words = "".join(f"{word} O\nhere B-location\n\n" for word in "abcdefgh")
    for split in ("train", "dev"):
        (folder / f"{split}.txt").write_text(words + f"{split} O\nmore B-nothing\n")
    more = ("TASK = 'wnut17'", "EPOCHS = 1.0", "runs.finetune.batch_size = 4")
    command = [f"DATA_DIR = {str(tmp_path / 'data')!r}", *more]
    assert main(finetune(*command)) == 2
    assert "train.txt, line 26: unknown tag 'B-nothing'" in capsys.readouterr().err
    # One of nine sentences is more than a tenth.
    assert main(finetune(*command, flags=("--on_error", "skip"))) == 2
    assert "1 of 9 rows cannot be used, more than the 10 %" in capsys.readouterr().err
    command.append("runs.finetune.max_skipped = 0.2")
    assert main(finetune(*command, flags=("--on_error", "skip"))) == 0
    [path] = (tmp_path / "runs").glob("*/record.json")
    [result] = read_record(str(path)).results
    told = result.marks["rows skipped"]
    assert told.startswith("1 to score, 1 to train on, the first of them: ")
    assert result.num_examples == 8


def test_skipped_rows_are_marked_in_the_record(finetune, cola_dir, tmp_path, capsys):
    folder = tmp_path / "bad" / "CoLA"
    folder.mkdir(parents=True)
    for split in ("train", "dev"):
        text = (cola_dir / "CoLA" / f"{split}.tsv").read_text()
        if split == "dev":
            # Nothing is right but this.
            text = text.replace("\t0\t", "\t1\t")
        (folder / f"{split}.tsv").write_text(text + "x\t7\t\tno such label\n")
    bad = (f"DATA_DIR = {str(folder.parent)!r}", "EPOCHS = 0.3")
    assert main(finetune(*bad)) == 2
    assert "line 321: unknown label '7'" in capsys.readouterr().err
    assert main(finetune(*bad, flags=("--on_error", "skip"))) == 0
    said = capsys.readouterr().out.splitlines()
    assert said.count("warning: cola dev: all 80 right answers are '1'") == 1
    [path] = (tmp_path / "runs").glob("*/record.json")
    [result] = read_record(str(path)).results
    told = result.marks["rows skipped"]
    assert told.startswith("1 to score, 1 to train on, the first of them: ")
    assert result.num_examples == 80
