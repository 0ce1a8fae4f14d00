"""`electra-bench corpus build` from the command line."""

import json
import os
import subprocess
import sys

import pytest

from electra_bench.cli.main import main
from electra_bench.data.examples import corpus_builder
from electra_bench.data.examples.store import ExampleStore

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "##b", "é", "e"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A vocabulary and a text in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "vocab.txt").write_text("\n".join(TOKENS))
    (tmp_path / "text").mkdir()
    text = "\n\n".join("A b c é\nab c" for _ in range(9)) + "\n\nlast b c"
    (tmp_path / "text/a.txt").write_text(text)
    return tmp_path


def build(*arguments):
    return main(
        [
            *("corpus", "build", "--vocab-file", "vocab.txt", "--output_dir", "out"),
            *("--corpus_dir", "text", "--num-processes", "1", *arguments),
        ]
    )


def manifest():
    with open("out/manifest.json") as file:
        return json.load(file)


def rows(split="train"):
    with open("vocab.txt") as file:
        tokens = file.read().split("\n")
    store = ExampleStore([f"out/{split}"])
    return [
        [tokens[i] for i in store.row("input_ids", row)] for row in range(len(store))
    ]


def test_prints_what_was_made(capsys):
    assert build("--max-seq-length", "16") == 0
    out = capsys.readouterr().out
    assert "out\n" in out
    assert "train: 9 documents" in out or "train: 1 documents" in out
    assert "tokens dropped (" in out and "MB/s" in out
    total = sum(part["documents"] for part in manifest()["splits"].values())
    assert total == 10 and manifest()["max_seq_length"] == 16


def test_text_that_changes_while_it_is_read(folder, capsys, monkeypatch):
    made_examples = corpus_builder.made_examples

    def while_replaced(*args):
        (folder / "text/a.txt").write_text("c c c\n\nb b b\n")
        return made_examples(*args)

    with monkeypatch.context() as patch:
        patch.setattr(corpus_builder, "made_examples", while_replaced)
        assert build() != 0
    assert "the text changed while it was read: run the same" in capsys.readouterr().err
    assert not (folder / "out").exists()
    assert build() == 0
    found = sorted("".join(row[1:-1]) for row in rows() + rows("validation"))
    assert found == ["bbb", "ccc"]


def test_cut_tokens(capsys):
    for value in ("dropped", "kept"):
        options = ("--max-seq-length=5", "--holdout=0", "--overwrite")
        assert build(f"--cut-tokens={value}", *options) == 0
        out = capsys.readouterr().out
        train = out.split("validation")[0]
        assert ("; 0 tokens dropped (0.0 %)" in train) == (value == "kept")
        assert manifest()["cut_tokens"] == value


def test_what_is_lost_is_warned_of_with_its_cure(folder, capsys):
    text = "\n\n".join(["a b c a b c a b c a b c"] * 5 + ["ж" * 201, "हु" * 9])
    (folder / "text" / "a.txt").write_text(text)
    assert build("--max-seq-length=8", "--holdout=0", "--overwrite") == 0
    said = capsys.readouterr()
    assert "% of characters [UNK]" in said.out
    train = manifest()["splits"]["train"]
    assert train["unknown"] >= train["in_runs"] == 201 and train["marks"] == 9
    assert "warning: corpus 'out', train: " in said.err
    assert "become [UNK], " in said.err and "% of these in runs of over 200" in said.err
    assert "lose a mark that their script needs" in said.err
    assert "tokens were dropped: lines are longer" in said.err
    assert "--cut-tokens kept" in said.err
    kept = ("--cut-tokens=kept", "--no-strip-accents", "--documents=wikitext")
    assert build("--max-seq-length=8", "--holdout=0", "--overwrite", *kept) == 0
    said = capsys.readouterr()
    assert "dropped:" not in said.err and "lose a mark" not in said.err
    assert manifest()["documents"] == "wikitext"


def test_case_and_accents():
    line = ["a", "b", "c", "e", "a", "##b", "c"]
    assert build("--holdout=0") == 0
    assert [t for t in rows()[0] if t not in ("[CLS]", "[SEP]")] == line
    line[3] = "é"
    assert build("--holdout=0", "--no-strip-accents", "--overwrite") == 0
    assert [t for t in rows()[0] if t not in ("[CLS]", "[SEP]")] == line
    line[0] = "[UNK]"
    assert build("--holdout=0", "--no_lower_case", "--overwrite") == 0
    assert [t for t in rows()[0] if t not in ("[CLS]", "[SEP]")] == line


def test_whole_tokens(folder, capsys):
    (folder / "vocab.txt").write_text("\n".join([*TOKENS, "B c"]))
    flag = "--whole-tokens={'B c': 'normalised'}"
    assert build("--holdout=0", flag) == 0
    assert rows()[0][:4] == ["[CLS]", "a", "B c", "e"]
    for wrong, said in (
        (
            "{'B c'}",
            "--whole-tokens is {'B c'}, expected as \"{'[ENT]': 'normalised'}\"",
        ),
        ("{'B c': 1}", "'B c' is matched 1, expected 'written' or 'normalised'"),
    ):
        assert build("--overwrite", f"--whole_tokens={wrong}") == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("value, documents", [("false", 1), ("True", 10)])
def test_blanks_separate_docs_is_a_real_boolean(value, documents):
    assert build("--holdout=0", "--blanks-separate-docs", value) == 0
    assert manifest()["splits"]["train"]["documents"] == documents


def test_output_is_never_wiped_unasked(folder, capsys):
    (folder / "out").mkdir()
    assert build() == 0  # an empty folder is no loss
    (folder / "out/mine").write_text("mine")
    assert build() == 2
    assert "'out' is not empty; --overwrite replaces it" in capsys.readouterr().err
    assert (folder / "out/mine").read_text() == "mine"
    assert build("--overwrite") == 0
    assert not (folder / "out/mine").exists()
    assert sorted(os.listdir(folder)) == ["out", "text", "vocab.txt"]


def test_overwrite_spares_the_input(capsys):
    for output in ("text", "."):
        assert build("--overwrite", "--output-dir", output) == 2
        assert "--overwrite would delete" in capsys.readouterr().err
    assert os.path.isfile("text/a.txt")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--corpus-dir", "nothing"], "no file or folder 'nothing'"),
        (["--corpus-dir", "text/*.gz"], r"no file matches 'text/*.gz'"),
        (["--vocab-file", "nothing.txt"], "nothing.txt"),
        (["--blanks-separate-docs", "maybe"], "expected true or false, got 'maybe'"),
        (["--max-seq-length", "4"], "--max-seq-length must be at least 5, got 4"),
        (["--num-processes", "0"], "expected int above 0, got '0'"),
        (["--cut-tokens", "lost"], "invalid choice: 'lost'"),
        (["--holdout", "1"], "expected float of at least 0, below 1, got '1'"),
        (["--on-eror", "skip"], "--on-eror"),
    ],
)
def test_wrong_arguments_are_found_before_work(capsys, arguments, message):
    assert build(*arguments) == 2
    assert message in capsys.readouterr().err
    assert not os.path.exists("out")


def test_text_that_cannot_be_read(folder, capsys):
    (folder / "text/b.txt").write_bytes(b"good\n\xff\n")
    assert build() == 1
    assert "b.txt: not UTF-8 at byte 5" in capsys.readouterr().err
    assert not os.path.exists("out")
    assert build("--on_error", "skip", "--max-skipped", "0.001") != 0
    said = capsys.readouterr().err
    assert "lines cannot be used, more than the 0.1 % that may be skipped" in said
    assert "b.txt: not UTF-8 at byte 5" in said and not os.path.exists("out")
    assert build("--on_error", "skip", "--max-skipped", "2") == 2
    assert "expected float from 0 to 1" in capsys.readouterr().err
    assert build("--on_error", "skip") == 0
    assert "1 skipped" in capsys.readouterr().err
    assert manifest()["skipped"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        [
            *("--corpus-dir", "text", "--vocab-file", "vocab.txt"),
            *("--output-dir", "out", "--num-processes", "1"),
        ],
    ],
)
def test_loads_no_tensorflow(arguments):
    code = (
        "import sys; from electra_bench.cli.main import main; "
        f"assert main(['corpus', 'build', *{arguments}]) == 0; "
        "assert not {'tensorflow', 'seqio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("flag", ["--do-lower-case", "--no-lower-case"])
def test_manifest_names_the_vocabulary(flag):
    from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

    assert build(flag) == 0
    vocabulary = WordPieceVocabulary("vocab.txt", lower_case=flag == "--do-lower-case")
    assert manifest()["vocabulary"] == vocabulary.sha256
