import errno
import os
import subprocess
import sys

import gin
import pytest

from electra_bench.cli import errors, main
from electra_bench.cli.main import VERBS


@pytest.fixture
def verb(monkeypatch):
    """Makes `list` run a given function instead."""

    def replace(function):
        def add_parser(subparsers):
            parser = subparsers.add_parser("list")
            parser.add_argument("--json", action="store_true")
            parser.set_defaults(run=function)

        monkeypatch.setattr("electra_bench.cli.list.add_parser", add_parser)

    return replace


def raising(error, *, during=False):
    def run(args):
        if during:
            errors.begin_work()
        raise error

    return run


def test_help_names_every_verb(capsys):
    assert main.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)
    assert all(len(line) <= 92 for line in out.splitlines())


def test_version(capsys):
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("electra-bench ")


def test_python_m_is_the_same_program():
    run = subprocess.run(
        [sys.executable, "-m", "electra_bench", "--version"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0
    assert run.stdout.startswith("electra-bench ")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["lst"], "no verb 'lst'; did you mean list?"),
        (["leaderboard", "build", "x", "--fromat=md"], "did you mean --format"),
        (["list", "tasks", "--jsno"], "did you mean --json"),
        (["leaderboard"], "needs a sub-command"),
        (["leaderboard", "biuld"], "biuld"),
        (["describe", "task"], "required: NAME"),
        ([], "a verb is needed"),
    ],
)
def test_usage_errors_are_one_sentence_and_status_2(argv, said, capsys):
    assert main.main(argv) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("electra-bench: error: ")
    assert said in last


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no file\nof that name"),
        KeyError("no file of that name"),
        FileNotFoundError("no file of that name"),
    ],
)
def test_found_wrong_before_work_is_status_2(verb, error, capsys):
    verb(raising(error))
    assert main.main(["list"]) == 2
    assert capsys.readouterr().err == (
        "electra-bench list: error: no file of that name\n"
    )


def test_failed_during_work_is_status_1(verb, capsys):
    verb(raising(ValueError("loss is not a number"), during=True))
    assert main.main(["list"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_the_next_command_starts_anew(verb):
    verb(raising(ValueError("x"), during=True))
    assert main.main(["list"]) == 1
    verb(raising(ValueError("x")))
    assert main.main(["list"]) == 2


def test_a_defect_is_status_1_and_named(verb, capsys):
    verb(raising(AttributeError("no attribute x")))
    assert main.main(["list"]) == 1
    err = capsys.readouterr().err
    assert "AttributeError: no attribute x" in err
    assert "--debug" in err


def test_ctrl_c_is_status_1(verb, capsys):
    verb(raising(KeyboardInterrupt(), during=True))
    assert main.main(["list"]) == 1
    assert capsys.readouterr().err == "electra-bench list: error: interrupted\n"


@pytest.mark.parametrize("argv", [["--debug", "list"], ["list", "--debug"]])
def test_debug_shows_the_traceback(verb, argv, capsys):
    verb(raising(ValueError("x")))
    assert main.main(argv) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_said(verb, capsys):
    verb(raising(OSError(errno.ENOSPC, "No space", "out/a"), during=True))
    assert main.main(["list"]) == 1
    assert "the disk is full: cannot write 'out/a'" in capsys.readouterr().err
    wrapped = RuntimeError("checkpoint")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space")
    verb(raising(wrapped, during=True))
    main.main(["list"])
    assert "the disk is full" in capsys.readouterr().err


def test_os_errors_are_sentences(verb, capsys):
    verb(lambda args: os.listdir("/nonexistent/file"))
    assert main.main(["list"]) == 2
    err = capsys.readouterr().err
    assert "error: no such file or directory: '/nonexistent/file'" in err


def test_gin_says_where_only_on_debug(verb, capsys):
    @gin.configurable("fails_in_a_test")
    def fails():
        raise ValueError("hidden_size must be even, got 3")

    verb(lambda args: fails())
    assert main.main(["list"]) == 2
    assert capsys.readouterr().err == (
        "electra-bench list: error: hidden_size must be even, got 3\n"
    )


def test_a_closed_pipe_is_no_traceback():
    run = subprocess.run(
        f"{sys.executable} -m electra_bench list tasks --json | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in run.stderr
    assert "BrokenPipe" not in run.stderr


def test_what_gin_wraps_keeps_its_sentence(verb, capsys):
    @gin.configurable(module="test_main")
    def listing(path):
        with open(path) as file:
            return file.read()

    verb(lambda args: listing("no/such/file"))
    assert main.main(["list"]) == 2
    assert capsys.readouterr().err == (
        "electra-bench list: error: no such file or directory: 'no/such/file'\n"
    )


def test_errors_in_compiled_functions_are_one_sentence(verb, capsys):
    import tensorflow as tf

    @tf.function
    def compiled():
        raise ValueError("too long")

    verb(lambda args: compiled())
    assert main.main(["list"]) == 2
    assert capsys.readouterr().err == "electra-bench list: error: too long\n"
