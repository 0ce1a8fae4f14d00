"""Bad input gets one clear sentence and exit status 1 or 2, and loses nothing."""

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest
from small_runs import command, merged, the_sentence

from electra_bench.cli.main import main
from electra_bench.records import read_record
from electra_bench.training.checkpoints import Checkpoints

# seqio's registry is the process's: every corpus needs a name of its own.
NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache of examples, and no data folder but the one given."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ELECTRA_BENCH_DATA", raising=False)
    return tmp_path / "cache"


def corpus_of(files, **options):
    """Bindings of a corpus of one's own."""
    name = f"corpus_{next(NUMBERS)}"
    arguments = {"files": str(files), "holdout": 0.1, **options}
    return [f"CORPORA = { ({name: arguments})!r}", f"CORPUS = {name!r}"]


@pytest.fixture
def refused(capsys, tmp_path, cache):
    """Runs a command that must fail before any work; returns its sentence."""

    def run(argv):
        capsys.readouterr()
        before = content(tmp_path)
        assert main(argv) == 2
        captured = capsys.readouterr()
        assert content(tmp_path) == before, "something was left behind, or lost"
        assert not captured.out
        return the_sentence(captured.err, argv[0])

    return run


def content(folder):
    """All files and their bytes; of the cache only what is half made, and no locks."""
    files = {}
    for path in sorted(Path(folder).rglob("*")):
        parts = path.relative_to(folder).parts
        cached = parts[0] == "cache" and not any(p.startswith(".") for p in parts)
        if path.is_file() and not cached and path.name != ".lock":
            files[str(path)] = path.read_bytes()
    return files


# ------------------------------------------------------------------ missing, empty


def test_missing_text(pretrain, refused, tmp_path):
    pattern = tmp_path / "nothing" / "*.txt"
    said = refused(pretrain(*corpus_of(pattern)))
    assert f"no file matches '{pattern}'" in said
    folder = tmp_path / "nothing"
    assert f"no file or folder '{folder}'" in refused(pretrain(*corpus_of(folder)))


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_missing_vocabulary(verb, refused, request, tmp_path):
    arguments = request.getfixturevalue(verb)
    path = str(tmp_path / "vocab.txt")
    assert f"no vocabulary file {path!r}" in refused(arguments(f"VOCAB = {path!r}"))
    said = refused(arguments(f"VOCAB = {str(tmp_path)!r}"))
    assert str(tmp_path) in said


def test_missing_data_dir(finetune, refused, tmp_path):
    said = refused(finetune(f"DATA_DIR = {str(tmp_path / 'nothing')!r}"))
    assert "split 'train'" in said and "CoLA/train.tsv" in said
    assert str(tmp_path / "nothing") in said
    said = refused(finetune("DATA_DIR = None"))
    assert "--data_dir" in said and "ELECTRA_BENCH_DATA" in said


def test_missing_file_bound_by_hand(finetune, refused):
    said = refused(finetune("FILES = {'dev': 'nothing.tsv'}"))
    assert "split 'dev': no file or folder 'nothing.tsv' here or in" in said
    said = refused(finetune("FILES = {'dev': ['nothing-*.tsv']}"))
    assert "split 'dev': no file matches 'nothing-*.tsv' here or in" in said
    said = refused(finetune("FILES = {'dev': 3}"))
    assert "split 'dev' is bound to 3, expected a file, a glob, or a list" in said
    said = refused(finetune("FILES = {'develop': 'nothing.tsv'}"))
    assert "no file is read for 'develop'; task 'cola' reads ['dev', 'test'," in said


def test_file_of_a_split_that_is_made_of_another(finetune, refused, tables):
    path = str(tables / "train.tsv")
    said = refused(finetune("TASK = 'sts'", f"FILES = { ({'train_doubled': path})!r}"))
    assert "no file is read for 'train_doubled'; task 'sts' reads ['dev', 'te" in said


def test_missing_gin_file(refused):
    said = refused(["pretrain", "gin/runs/pretrian.gin"])
    assert "'gin/runs/pretrian.gin'" in said and "'runs/pretrain.gin'" in said
    assert "a gin file is needed" in refused(["finetune"])


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_missing_checkpoint(verb, refused, request, tmp_path):
    arguments = request.getfixturevalue(verb)
    init = str(tmp_path / "nothing")
    assert f"no checkpoint at {init!r}" in refused(arguments(f"INIT = {init!r}"))


def test_missing_run(refused, tmp_path):
    said = refused(["evaluate", str(tmp_path / "nothing")])
    assert str(tmp_path / "nothing") in said
    said = refused(["leaderboard", "build", str(tmp_path / "nothing")])
    assert str(tmp_path / "nothing") in said


def test_empty_corpus(pretrain, refused, tmp_path):
    path = tmp_path / "empty.txt"
    path.write_text("\n \n\n")
    binding = corpus_of(path)
    assert "has no text" in refused(pretrain(*binding))
    (tmp_path / "folder").mkdir()
    assert str(tmp_path / "folder") in refused(
        pretrain(*corpus_of(tmp_path / "folder"))
    )


def test_corpus_of_one_document_has_none_to_hold_out(pretrain, refused, tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("only one document\nof two lines\n")
    said = refused(pretrain(*corpus_of(path)))
    assert "split 'validation' has no examples" in said


def test_empty_corpus_of_corpus_build(tmp_path, vocab_file, capsys):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("\n\n")
    before = content(tmp_path)
    assert main(corpus_build(tmp_path, vocab_file)) == 1
    assert "has no text" in the_sentence(capsys.readouterr().err, "corpus")
    assert content(tmp_path) == before


def test_a_pipe_in_place_of_a_file(pretrain, finetune, refused, tmp_path, request):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    said = f"{pipe}: a pipe, expected a file"
    assert said in refused(pretrain(*corpus_of(pipe)))
    assert said in refused(pretrain(*corpus_of(tmp_path / "pi*")))
    assert said in refused(pretrain(f"VOCAB = {pipe!r}"))
    assert said in refused(finetune(f"VOCAB = {pipe!r}"))
    for split in ("train", "dev"):
        assert said in refused(finetune(f"FILES = { ({split: pipe})!r}"))
    assert said in refused(["finetune", "--gin_file", pipe])
    assert said in refused(["vocab", "train", pipe, "--output", str(tmp_path / "v")])
    assert "/dev/zero: a device" in refused(finetune("FILES = {'dev': '/dev/zero'}"))


@pytest.mark.parametrize(
    "ending", ["tsv", "csv", "jsonl", "parquet", "conll", "conllu"]
)
def test_a_pipe_in_place_of_a_file_of_ones_own_task(refused, ending, tmp_path):
    pipe = str(tmp_path / f"pipe.{ending}")
    os.mkfifo(pipe)
    task = [
        "--gin.tasks.of_pipe.kind='tagging'",
        f"--gin.tasks.of_pipe.files={ ({'train': pipe, 'dev': pipe})!r}",
    ]
    argv = ["validate", "gin/runs/finetune.gin", "--gin.TASK=of_pipe", *task]
    assert f"{pipe}: a pipe, expected a file" in refused(argv)


# ------------------------------------------------------------------ text and tables


@pytest.fixture
def broken_text(text_file, tmp_path):
    """A text with one line that is not UTF-8; returns the file and the bad byte."""
    folder = tmp_path / "text"
    folder.mkdir()
    text = text_file.read_bytes()
    (folder / "a.txt").write_bytes(text)
    (folder / "b.txt").write_bytes(text + b"\n\nsome caf\xe9 text\nmore\n\n" + text)
    return folder, len(text) + len("\n\nsome caf")


def corpus_build(folder, vocab_file, *flags):
    return [
        *("corpus", "build", "--corpus-dir", str(folder / "text")),
        *("--vocab-file", str(vocab_file), "--output-dir", str(folder / "out")),
        *("--num-processes", "1", *flags),
    ]


def test_text_that_is_not_utf8(pretrain, refused, broken_text):
    folder, byte = broken_text
    said = refused(pretrain(*corpus_of(folder)))
    assert f"{folder / 'b.txt'}: not UTF-8 at byte {byte}" in said


def test_pre_training_skips_bad_lines_if_asked(pretrain, broken_text, cache, caplog):
    folder, _ = broken_text
    assert main(pretrain(*corpus_of(folder, on_error="skip"), "TRAIN_STEPS = 2")) == 0
    [manifest] = cache.glob("corpora/*/manifest.json")
    counted = json.loads(manifest.read_text())
    assert counted["skipped"] == 1
    assert "b.txt: not UTF-8 at byte" in counted["skipped_reasons"][0]
    assert f"1 skipped, the first: {counted['skipped_reasons'][0]}" in caplog.text


def test_corpus_build_skips_bad_lines_if_asked(
    broken_text, vocab_file, capsys, tmp_path
):
    _, byte = broken_text
    assert main(corpus_build(tmp_path, vocab_file)) == 1
    said = the_sentence(capsys.readouterr().err, "corpus")
    assert f"b.txt: not UTF-8 at byte {byte}" in said
    assert sorted(os.listdir(tmp_path)) == ["text"]
    assert main(corpus_build(tmp_path, vocab_file, "--on_error=skip")) == 0
    assert "1 skipped" in capsys.readouterr().err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["skipped"] == 1
    assert manifest["splits"]["train"]["examples"] > 0


@pytest.fixture
def tables(cola_dir, tmp_path):
    """CoLA's folder, to be damaged."""
    shutil.copytree(cola_dir, tmp_path / "data")
    return tmp_path / "data"


def replaced_line(path, number, line):
    lines = path.read_bytes().split(b"\n")
    lines[number - 1] = line
    path.write_bytes(b"\n".join(lines))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"x\t1\ta good sentence", "train.tsv, line 7: got 3 columns, expected 4"),
        (b"x\t2\t\ta good sentence", "train.tsv, line 7: unknown label '2'"),
        (b"x\tyes\t\ta good sentence", "line 7: unknown label 'yes'; near: []; all: ["),
        (b"x\t1\t\ta caf\xe9", "train.tsv, line 7: not UTF-8 at byte"),
    ],
)
def test_bad_line_of_a_table(line, said, finetune, refused, tables):
    replaced_line(tables / "CoLA" / "train.tsv", 7, line)
    found = refused(finetune(f"DATA_DIR = {str(tables)!r}"))
    assert said in found and str(tables) in found


def test_empty_table(finetune, refused, tables):
    (tables / "CoLA" / "dev.tsv").write_bytes(b"")
    said = refused(finetune(f"DATA_DIR = {str(tables)!r}"))
    assert f"{tables / 'CoLA' / 'dev.tsv'}: empty file" in said


@pytest.mark.parametrize("missing", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
def test_vocabulary_without_a_special_token(
    missing, pretrain, refused, vocab_file, tmp_path
):
    path = tmp_path / "vocab.txt"
    tokens = vocab_file.read_text().splitlines()
    path.write_text("\n".join(token for token in tokens if token != missing))
    said = refused(pretrain(f"VOCAB = {str(path)!r}"))
    assert f"vocabulary file {str(path)!r} has no {missing}; expected all of" in said


# ------------------------------------------------------------------ names and gin


@pytest.mark.parametrize(
    ("verb", "binding", "said"),
    [
        ("finetune", "TASK = 'colla'", "no tasks 'colla'; near: ['cola']"),
        ("pretrain", "CORPUS = 'pydocs'", "no tasks 'pydocs'; near: ['pydoc'"),
        ("pretrain", "MODEL = 'elektra'", "no models 'elektra'; near: ['electra']"),
        ("pretrain", "OBJECTIVE = 'elctra'", "no objectives 'elctra'; near: ['elect"),
        (
            "pretrain",
            "runs.pretrain.vocabulary = 'wordpeice'",
            "no vocabularies 'wordpeice'; near: ['wordpiece'",
        ),
    ],
)
def test_unknown_name(verb, binding, said, refused, request):
    assert said in refused(request.getfixturevalue(verb)(binding))


def test_electrics_noise_that_avoids_the_original(pretrain, refused):
    said = refused(
        pretrain("OBJECTIVE = 'electric'", "objectives.electra.disallow_correct = True")
    )
    assert "objectives.electra.disallow_correct must be False, got True" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--gin.TRAIN_STEP=3"],
            "nothing uses the macro TRAIN_STEP; near: ['TRAIN_STEPS'",
        ),
        (
            ["--gin.models.electra.hiden_size=3"],
            "models.electra has no parameter 'hiden_size'; near: ['hidden_size'",
        ),
        (
            ["--gin.training.loop.log_evry=3"],
            "training.loop has no parameter 'log_evry'; near: ['log_every'",
        ),
        (
            ["--gin.models.elektra.hidden_size=3"],
            "no models 'elektra'; near: ['electra']",
        ),
        (
            ["--gin.model.electra.hidden_size=3"],
            "'model.electra' must be <kind>.<name>; near kinds: ['models'",
        ),
        (
            ["--gin.genrator/models.electra.hidden_size=3"],
            "no scope 'genrator'; near: ['generator'",
        ),
        (["--gin.SEED=1", "--gin.SEED=2"], "SEED is given twice on the command line"),
        (["--gin.SEED=one two"], "not gin"),
        (["--gin.VOCAB=%VOCABULARY"], "no macro VOCABULARY; near: ['VOCAB'"),
    ],
)
def test_gin_mistakes_on_the_command_line(flags, said, refused, pretrain_bindings):
    bindings = [b for b in pretrain_bindings if not b.startswith("VOCAB")]
    found = refused(command("pretrain", bindings, flags))
    assert said in found and "command line" in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SEED = 1\nBATCH_SIZE = 8\nSEED = 2", "SEED is bound twice in"),
        ("\nmodels.electra.hiden_size = 3", "mine.gin:2: models.electra has no param"),
        ("train_steps = 3", "mine.gin:1: 'train_steps' binds nothing"),
    ],
)
def test_gin_mistakes_in_a_file(text, said, refused, pretrain, tmp_path):
    (tmp_path / "mine.gin").write_text(text)
    found = refused(pretrain(flags=[str(tmp_path / "mine.gin")]))
    assert said in found and str(tmp_path / "mine.gin") in found


@pytest.mark.parametrize(
    ("verb", "binding", "said"),
    [
        ("pretrain", "TRAIN_STEPS = 'ten'", "expected int above 0 | None"),
        (
            "pretrain",
            "BATCH_SIZE = 8.0",
            "expected int above 0 (for runs.pretrain.batch_size)",
        ),
        (
            "pretrain",
            "CORPORA = 'x'",
            "expected Mapping[str, Mapping[str, Any]] | None",
        ),
        (
            "finetune",
            "TASK = 3",
            "expected str | Sequence[str] (for runs.finetune.task)",
        ),
        ("finetune", "models.electra.hidden_size = 'x'", "expected int"),
    ],
)
def test_value_of_another_type(verb, binding, said, refused, request):
    found = refused(request.getfixturevalue(verb)(binding))
    assert found.startswith(f"command line: {binding}: {said}")


def test_gin_file_that_is_not_utf8(refused, tmp_path):
    (tmp_path / "mine.gin").write_bytes(b"# caf\xe9\nSEED = 1")
    said = refused(["pretrain", str(tmp_path / "mine.gin")])
    assert said == f"{tmp_path / 'mine.gin'}: not UTF-8 at byte 5"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"files": "x", "on_eror": "skip"}, "no option 'on_eror'; near: ['on_error']"),
        ({"file": "x"}, "expected {'files': ...} with any of ['format', "),
        ("x.txt", "expected {'files': ...}"),
    ],
)
def test_options_of_a_corpus(arguments, said, refused, pretrain):
    bindings = [f"CORPORA = { ({'wrong': arguments})!r}", "CORPUS = 'wrong'"]
    assert said in refused(pretrain(*bindings))


def test_missing_required_values(refused):
    said = refused(["pretrain", "runs/pretrain.gin", "models/tiny.gin"])
    assert "required values are missing: CORPUS (" in said and ", VOCAB (" in said
    assert "give --gin.CORPUS=... --gin.VOCAB=..." in said


def test_missing_size_of_the_model(refused, finetune_bindings):
    bindings = [b for b in finetune_bindings if "hidden_size" not in b]
    said = refused(command("finetune", bindings))
    assert "models.electra needs hidden_size" in said


# ------------------------------------------------------------------ runs that exist


def test_checkpoint_of_another_size(pretrain, finetune, refused, capsys, tmp_path):
    assert main(pretrain("TRAIN_STEPS = 2")) == 0
    init = f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"
    other = ("models.electra.hidden_size = 32", "LABEL = 'other'")
    for arguments in (finetune, pretrain):
        said = refused(arguments(init, *other))
        assert "is of another size: " in said and "[16] there, [32] here" in said


def test_checkpoint_with_more_layers(pretrain, finetune, refused, tmp_path):
    assert main(pretrain("TRAIN_STEPS = 2", "models.electra.num_layers = 2")) == 0
    init = f"INIT = {str(tmp_path / 'runs' / 'pretrain-small-s0')!r}"
    said = refused(finetune(init, "models.electra.num_layers = 1", "LABEL = 'other'"))
    assert "that the model lacks: electra/encoder/layer_1/attention/" in said
    assert "electra/encoder/layer_1/output/dense/kernel" in said
    assert not (tmp_path / "runs" / "other-cola-s0").exists()


def test_vocabulary_of_another_size_than_the_embeddings(
    pretrain, finetune, refused, vocab_file, tmp_path
):
    assert main(pretrain("TRAIN_STEPS = 2")) == 0
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    (run_dir / "vocab.txt").unlink()
    longer = tmp_path / "longer.txt"
    longer.write_text(vocab_file.read_text() + "onemore\n")
    size = len(vocab_file.read_text().splitlines())
    for arguments in (finetune, pretrain):
        said = refused(
            arguments(
                f"INIT = {str(run_dir)!r}",
                f"VOCAB = {str(longer)!r}",
                "LABEL = 'other'",
            )
        )
        assert f"vocabulary of {size} tokens, and this one has {size + 1}" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ["EPOCHS = 0.01"],
            "0.01 epochs of 320 training examples in batches of 32 are",
        ),
        (
            ["EPOCHS = 0.3", "runs.finetune.batch_size = 300"],
            "0.3 epochs of 320 training examples in batches of 300 are less than one",
        ),
        (
            ["EPOCHS = 1.0", "runs.finetune.batch_size = 512"],
            "batch size 512 exceeds the 320 training examples",
        ),
    ],
)
def test_too_little_for_an_update(more, said, finetune, refused):
    sentence = refused(finetune(*more))
    assert said in sentence and "batch_size" in sentence


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_folder_that_holds_another_run(verb, refused, request, tmp_path):
    arguments = request.getfixturevalue(verb)
    few = {"pretrain": "TRAIN_STEPS = 2", "finetune": "EPOCHS = 0.3"}[verb]
    assert main(arguments(few)) == 0
    [run_dir] = (tmp_path / "runs").iterdir()
    # A finished run is not trained on with a larger number.
    name, more = few.split(" = ")[0], "9"
    said = refused(arguments(f"{name} = {more}"))
    assert f"{run_dir} holds another run: " in said and f"'{few}' only there" in said
    assert "INIT" in said
    said = refused(arguments(few, "models.electra.dropout = 0.2"))
    assert f"{run_dir} holds another run: " in said and "--overwrite" in said
    assert "models.electra.dropout = 0.1' only there" in said
    assert (
        main(arguments(few, "models.electra.dropout = 0.2", flags=["--overwrite"])) == 0
    )
    assert "models.electra.dropout = 0.2" in (run_dir / "config.gin").read_text()


def test_the_same_command_goes_on_in_a_folder_of_an_odd_name(
    pretrain_bindings, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    # TensorFlow takes such a name for a pattern, of `exp1`.
    flags = ["--overwrite", "--workdir", "exp[1]"]
    given = [b for b in pretrain_bindings if not b.startswith("WORKDIR")]
    arguments = command("pretrain", merged(given, ["TRAIN_STEPS = 6"]), flags)
    save = Checkpoints.save

    def stopped(self, step, *args, **options):
        prefix = save(self, step, *args, **options)
        if step == 4:
            raise KeyboardInterrupt
        return prefix

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", stopped)
        assert main(arguments) != 0
    [run_dir] = (tmp_path / "exp[1]").iterdir()
    assert not (run_dir / "record.json").exists()
    lines = (run_dir / "metrics.jsonl").stat().st_mtime_ns
    capsys.readouterr()
    # --overwrite keeps the progress of the same run.
    assert main(arguments) == 0
    assert "goes on after step 4 of 6" in "".join(capsys.readouterr())
    assert read_record(str(run_dir / "record.json")).status == "done"
    # A finished run is repeated.
    assert main(arguments) == 0
    assert "done already" not in capsys.readouterr().out
    assert (run_dir / "metrics.jsonl").stat().st_mtime_ns > lines


def test_folder_that_holds_something_else(pretrain, refused, tmp_path):
    run_dir = tmp_path / "runs" / "pretrain-small-s0"
    run_dir.mkdir(parents=True)
    (run_dir / "thesis.tex").write_text("years of work")
    said = refused(pretrain())
    assert f"{run_dir} is not empty and holds no run" in said


@pytest.mark.parametrize(
    ("verb", "binding", "said"),
    [
        ("pretrain", "runs.pretrain.protocol = 'fixd'", "near: ['protocols/fixed.gin'"),
        ("finetune", "runs.finetune.protocol = 'fixd'", "near: ['protocols/fixed.gin'"),
        ("pretrain", "MAX_SEQ_LENGTH = 600", "max_seq_length is 600, but the encoder"),
        (
            "finetune",
            "runs.finetune.max_seq_length = 600",
            "max_seq_length is 600, but the encoder has positions for 512 tokens",
        ),
        ("finetune", "TASK = 'pydoc'", "'pydoc' is of kind 'corpus', which cannot be"),
        ("pretrain", "SEED = -1", "SEED must be a whole number >= 0, got -1"),
        ("finetune", "SEED = [0, -1]", "different whole numbers >= 0, got [0, -1]"),
    ],
)
def test_settings_that_cannot_work(verb, binding, said, refused, request):
    assert said in refused(request.getfixturevalue(verb)(binding))


def test_overwrite_spares_the_checkpoint_that_a_run_starts_from(
    pretrain, refused, tmp_path
):
    assert main(pretrain("TRAIN_STEPS = 2")) == 0
    init = str(tmp_path / "runs" / "pretrain-small-s0")
    said = refused(pretrain(f"INIT = {init!r}", flags=["--overwrite"]))
    assert f"--overwrite would delete '{init}/checkpoints/" in said


def test_a_value_of_another_type_for_a_class(pretrain, refused):
    said = refused(pretrain("training.loop.keep = 'many'"))
    assert "training.loop.keep = 'many': expected int" in said


@pytest.mark.parametrize(
    ("verb", "binding", "expected"),
    [
        ("pretrain", "BATCH_SIZE = 0", "int above 0"),
        ("pretrain", "MAX_SEQ_LENGTH = 0", "int of at least 3"),
        ("pretrain", "TRAIN_STEPS = -1", "int above 0 | None"),
        ("pretrain", "PRETRAIN_LEARNING_RATE = -0.1", "float above 0"),
        ("pretrain", "runs.pretrain.keep_at = [0.5, 2]", "[float above 0, at most 1]"),
        ("pretrain", "models.electra.num_heads = 0", "int above 0"),
        ("finetune", "runs.finetune.batch_size = 0", "int above 0"),
        ("finetune", "runs.finetune.max_seq_length = 2", "int of at least 3 | None"),
        ("finetune", "EPOCHS = -1", "float above 0 | None"),
        ("finetune", "EPOCHS = 0", "float above 0 | None"),
        ("finetune", "WARMUP_PROPORTION = 1.5", "float from 0 to 1"),
        ("finetune", "kinds.classification.head_dropout = 1.0", "at least 0, below 1"),
        ("finetune", "training.loop.log_every = 0", "int above 0"),
    ],
)
def test_numbers_out_of_range_are_found_before_data_are_read(
    verb, binding, expected, refused, request
):
    said = refused(request.getfixturevalue(verb)(binding, "DATA_DIR = 'nowhere'"))
    assert f"{binding}: expected " in said and expected in said


def test_settings_of_one_task_out_of_range(finetune, refused):
    for setting, expected in (
        ("epochs", "float above 0"),
        ("max_seq_length", "int of"),
    ):
        said = refused(
            finetune(f"runs.finetune.task_settings = {{'cola': {{'{setting}': -1}}}}")
        )
        assert f"task_settings of 'cola': {setting} = -1: expected {expected}" in said
