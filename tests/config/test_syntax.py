"""What is not gin is told with place and cure; a word given in the shell is a string."""

import pytest

from electra_bench import config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OBJECTIVE = electra", "1: not gin: a string .* OBJECTIVE = 'electra'"),
        ("\nVOCAB = a/vocab.txt", "2: not gin: a string .* VOCAB = 'a/vocab.txt'"),
        ("A = 1\nTASK = [\n  cola,\n]", "3: not gin: 'cola' is no value; a string"),
        ("TASK = cola, rte", r"TASK = \['cola', 'rte'\]"),
        ("include tiny.gin", "1: not gin: .* include 'tiny.gin'"),
        ("\nA = true", "2: not gin: 'true' is written True"),
        ("A = null", "'null' is written None"),
        ("A = [1, 2\nB = 3", r"1: not gin: the '\[' has no '\]'"),
        ("\nA = {'a': 1,\nB = 3\n", "2: not gin: the '{' has no '}'"),
        ("A = 'abc\nB = 3", "1: not gin: a quote is not closed"),
        ("B = 1\nA = '''abc\n\n", "2: not gin: the .* is not closed"),
        ("A = “cola”", "straight quotes"),
        ("A =  # later\nB = 2", "1: not gin: no value after A ="),
        ("A = 3e-4 * 2", "1: not gin: more than one value after A ="),
        ("B = 1\nA 3", "2: not gin: expected NAME = VALUE, got 'A 3'"),
        ('{"task": "cola"}', "1: not gin: expected NAME = VALUE"),
        ("B = 1\nA = {[1]: 2}", "2: not gin: unhashable"),
        ("A = 3\n  B = 4\n C = 5", "3: not gin: unindent"),
        ("A = [1 2]", r"1: not gin: expected ',' or '\]'"),
    ],
)
def test_mistakes_of_a_file(tmp_path, text, said):
    path = tmp_path / "run.gin"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(config.ConfigError, match=f"run.gin:(.*){said}|run.gin:{said}"):
        config.read([str(path)], ())


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "run.gin"
    path.write_text("A = 3", encoding="utf-8-sig")
    assert config.peek("A", [str(path)], ()) == 3


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("electra", "electra"),
        ("'electra'", "electra"),
        ("runs/pretrain-tiny-s0", "runs/pretrain-tiny-s0"),
        ("corpus/*.txt.xz", "corpus/*.txt.xz"),
        ("東京", "東京"),
        ("0,1,2", [0, 1, 2]),
        ("1e-4, -3.5", [1e-4, -3.5]),
        ("[0, 1]", [0, 1]),
        ("3e-4", 3e-4),
        ("-1", -1),
        ("None", None),
        ("True", True),
        ("{'a': 'b'}", {"a": "b"}),
    ],
)
def test_values_of_the_command_line(given, value):
    found = config.peek("A", (), [f"A = {given}"])
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("my model", "LABEL = 'my model'; within quotes for the shell"),
        ("cola,rte", r"LABEL = \['cola', 'rte'\]"),
        ("true", "'true' is written True"),
        ("[1, 2", r"the '\[' has no '\]'"),
        ("", "no value after LABEL ="),
    ],
)
def test_mistakes_of_the_command_line(given, said):
    with pytest.raises(
        config.ConfigError, match=f"^command line: not gin: LABEL.*{said}"
    ):
        config.read((), [f"LABEL = {given}"])
