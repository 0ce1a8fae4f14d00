import subprocess
import sys

import pytest

from electra_bench.cli.main import main
from electra_bench.vocabularies import training
from electra_bench.vocabularies.sentencepiece import SentencePieceVocabulary
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

LINES = [
    "The quick brown fox jumped over the lazy dogs, didn't it?",
    "Quickly, QUICKEST and quicker are words like lazily and lazier.",
    "Crème brûlée, naïve café and Ünal's fiancée: 北京 is a city.",
    "the_snake_case(names) of [docstrings] == `code`",
] * 3
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return str(path)


def test_special_tokens_come_first_and_sizes_hold():
    tokens = training.train_wordpiece(iter(LINES), 130)
    assert tokens[:5] == SPECIAL
    assert len(tokens) == len(set(tokens)) == 130
    assert "the" in tokens
    assert any(len(token) > 4 and "quick" in token for token in tokens)


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("strip_accents", [True, False])
def test_pieces_fit_the_tokenizer(lower_case, strip_accents):
    tokens = training.train_wordpiece(LINES, 400, lower_case, strip_accents)
    tokenizer = WordPieceTokenizer(tokens, lower_case, strip_accents)
    values, _ = tokenizer.encode_batch(LINES)
    assert tokens.index("[UNK]") not in values
    # No token that the tokenizer could never produce.
    for token in tokens[5:]:
        text = token.removeprefix("##")
        if token == text:
            assert tokenizer.encode_word(text) == [tokens.index(token)]
    assert ("é" in "".join(tokens)) == (not (lower_case and strip_accents))
    assert ("Q" in "".join(tokens)) == (not lower_case)


def test_wordpiece_is_the_same_in_every_process():
    program = (
        "from electra_bench.vocabularies.training import train_wordpiece\n"
        f"print(train_wordpiece({LINES!r}, 150))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert training.train_wordpiece(LINES[::-1], 150) == eval(runs.pop())


def test_of_equally_rare_characters_the_first_are_kept():
    rare = [chr(0x4E00 + i) for i in range(100)]
    tokens = training.train_wordpiece([*LINES, " ".join(rare[::-1])], 130)
    kept = [token for token in tokens if token in rare]
    assert 0 < len(kept) < 62
    assert kept == rare[: len(kept)]
    assert len(tokens) == 130


def test_counts_are_the_tokenizers_words():
    counts = training.count_words(["The the\n", "thé, 北京 the"])
    assert counts == {"the": 4, ",": 1, "北": 1, "京": 1}


def test_rare_words_are_left_out():
    lines = ["common common common", "rarity"]
    assert "q" not in training.train_wordpiece([*lines, "q"], 60, min_frequency=2)
    tokens = training.train_wordpiece(lines, 60, min_frequency=2)
    assert "common" in tokens
    assert "y" not in tokens


def test_large_counts_keep_their_proportions(monkeypatch):
    monkeypatch.setattr(training, "_MAX_FED", 1000)
    fed = "".join(training._repeated([("a", 10**9), ("b", 10**6), ("c", 1)])).split()
    assert [fed.count(word) for word in "abc"] == [999, 1, 1]


def test_counting_forgets_the_rarest(monkeypatch):
    monkeypatch.setattr(training, "_MAX_COUNTED", 10)
    monkeypatch.setattr(training, "_LINES_AT_ONCE", 5)
    lines = [f"common word{number}" for number in range(100)]
    counts = training.count_words(lines)
    assert counts["common"] == 100
    assert len(counts) <= 10


def test_texts_and_sizes_that_do_not_work():
    for train in (training.train_wordpiece, training.train_sentencepiece):
        with pytest.raises(ValueError, match="the text has no words"):
            train(["", " \n"], 100)
        with pytest.raises(ValueError, match="at least 7 tokens"):
            train(LINES, 6)
    with pytest.raises(ValueError, match="no words that occur 9 times"):
        training.train_wordpiece(["once"], 100, min_frequency=9)


def test_sentencepiece(tmp_path):
    path = tmp_path / "vocab.model"
    path.write_bytes(training.train_sentencepiece(LINES, 90))
    assert path.read_bytes() == training.train_sentencepiece(LINES[::-1], 90)
    vocabulary = SentencePieceVocabulary(str(path))
    assert [vocabulary.id_to_token(i) for i in range(5)] == SPECIAL
    assert vocabulary.vocab_size <= 90
    assert vocabulary.encode("CRÈME") == vocabulary.encode("creme")
    keeping = training.train_sentencepiece(LINES, 120, strip_accents=False)
    path.write_bytes(keeping)
    vocabulary = SentencePieceVocabulary(str(path))
    assert vocabulary.encode("CRÈME") == vocabulary.encode("crème")
    assert vocabulary.encode("crème") != vocabulary.encode("creme")


def test_command(text_file, tmp_path, capsys):
    output = str(tmp_path / "vocab.txt")
    command = ["vocab", "train", "--output", output, "--size", "150", text_file]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "150 tokens" in said and "0 % of characters [UNK]" in said
    first = (tmp_path / "vocab.txt").read_bytes()
    assert WordPieceVocabulary(output).vocab_size == 150

    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--cased"]) == 0
    assert "--gin.vocabularies.wordpiece.lower_case=False" in capsys.readouterr().out
    assert (tmp_path / "vocab.txt").read_bytes() != first


def test_command_for_sentencepiece(text_file, tmp_path, capsys):
    output = str(tmp_path / "vocab.model")
    command = ["vocab", "train", "--type", "sentencepiece", "--size", "90"]
    assert main([*command, "--output", output, text_file]) == 0
    assert "pieces" in capsys.readouterr().out
    assert SentencePieceVocabulary(output).encode("the")


def test_command_finds_mistakes_before_work(text_file, tmp_path, capsys):
    output = str(tmp_path / "vocab.txt")
    base = ["vocab", "train", "--output"]
    assert main([*base, output, str(tmp_path / "nothing*.txt")]) == 2
    assert "nothing*.txt" in capsys.readouterr().err
    assert main([*base, str(tmp_path), text_file]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main([*base, str(tmp_path / "no" / "vocab.txt"), text_file]) == 2
    assert "no folder" in capsys.readouterr().err
    assert main([*base, output, text_file, "--size", "3"]) == 2
    assert "at least 7" in capsys.readouterr().err
    assert main([*base, output, text_file, "--min_frequency", "0"]) == 2
    assert not (tmp_path / "vocab.txt").exists()


def test_help_loads_no_tensorflow():
    program = (
        "import sys\n"
        "from electra_bench.cli.main import main\n"
        "main(['vocab', 'train', '--help'])\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == 0
    assert b"--overwrite" in done.stdout


@pytest.mark.parametrize("type", ["wordpiece", "sentencepiece"])
def test_command_warns_of_what_a_text_loses(tmp_path, capsys, type):
    text, output = tmp_path / "a", str(tmp_path / "vocab")
    lines = ["अब हिन्दी में लिखा गया है"] * 20 + ["ภาษาไทย" * 40]
    text.write_text("\n".join(lines))
    command = ["vocab", "train", "--size", "60", "--output", output, str(text)]
    assert main([*command, "--type", type]) == 0
    said = capsys.readouterr()
    assert "% of the text" not in said.out and "of characters [UNK]" in said.out
    assert "lose a mark that their script needs" in said.err
    assert ("in runs of over 200 letters" in said.err) == (type == "wordpiece")
    assert main([*command, "--type", type, "--keep_accents", "--overwrite"]) == 0
    assert "lose a mark" not in capsys.readouterr().err
