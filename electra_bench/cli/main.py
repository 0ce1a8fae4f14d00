"""The command line: one sub-command a verb, each in a file of its own.

Only the module of the chosen verb is imported, so `--help` and the light verbs answer
without loading TensorFlow.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import NoReturn

from electra_bench.cli import errors
from electra_bench.cli.gin_arguments import expand_gin_flags
from electra_bench.system import interruption
from electra_bench.system.near_names import did_you_mean

PROGRAM = "electra-bench"


# What the user types, which is the name of the module too, to one line for `--help`. The
# module has `add_parser(subparsers)`, which sets `run`: a function of the parsed arguments
# that returns an exit status.
VERBS = {
    "quickstart": "pre-train, fine-tune and compare on text that is already here",
    "corpus": "raw text to pre-training examples",
    "vocab": "train a vocabulary from text",
    "pretrain": "pre-train an encoder",
    "finetune": "fine-tune an encoder on a task",
    "evaluate": "score a checkpoint",
    "predict": "predictions in forms to submit",
    "score": "pseudo-log-likelihoods of texts",
    "rerank": "re-rank n-best lists with them",
    "suite": "grids of models, tasks and seeds",
    "validate": "check gin files, a task's data, a plugin",
    "list": "names of tasks, models, runs, ...",
    "describe": "everything known of one name",
    "leaderboard": "tables from finished runs",
    "compare": "two runs or models side by side",
    "checkpoint": "look into checkpoints, import and export models",
    "cache": "list, check and remove what is kept to save time",
    "fetch": "download public data and checkpoints",
    "doctor": "versions, devices, data; what is missing",
}

EPILOG = f"""\
verbs:
{chr(10).join(f"  {verb:<12} {summary}" for verb, summary in VERBS.items())}

examples:
  {PROGRAM} quickstart
  {PROGRAM} list tasks
  {PROGRAM} describe task cola
  {PROGRAM} finetune gin/runs/finetune.gin --gin.TASK="'cola'" \\
    --gin.INIT="'runs/pretrain-tiny-s0'" --data_dir data
  {PROGRAM} leaderboard build runs --out report

{PROGRAM} VERB --help explains a verb. Exit status: 0 done, 2 found wrong before any
work (arguments, configuration, missing input), 1 failed during it.
"""


class Parser(argparse.ArgumentParser):
    """Raises what argparse would print with a usage text around it."""

    def __init__(self, **options):
        # An abbreviated flag would change its meaning when a longer one is added.
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(**options, formatter_class=formatter, allow_abbrev=False)

    def parse_known_args(self, args=None, namespace=None):
        """As argparse does it, but nothing may be left over.

        Raises:
            UsageError: an argument that this parser does not know.
        """
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            # argparse has no public list of its flags.
            hint = did_you_mean(
                unknown[0].partition("=")[0], [*self._option_string_actions]
            )
            raise errors.UsageError(
                f"argument {unknown[0]!r} is not known; {hint}see {self.prog} --help"
            )
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """Ends the parsing.

        Raises:
            UsageError: always.
        """
        raise errors.UsageError(f"{message}; see {self.prog} --help")


def _parser(verb: str | None) -> Parser:
    """The parser; of the verbs, only the chosen one has its arguments."""
    parser = Parser(
        prog=PROGRAM,
        description="Benchmarks ELECTRA-family text encoders. "
        "One gin file is one run; tables are made of runs.",
        epilog=EPILOG,
    )
    version = f"{PROGRAM} {metadata.version('electra-bench')}"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument(
        "--debug",
        action="store_true",
        help="show the traceback of an error; works after any verb, too",
    )
    subparsers = parser.add_subparsers(metavar="VERB", dest="verb", help="see below")
    if verb:
        importlib.import_module(f"{__package__}.{verb}").add_parser(subparsers)
    return parser


def _chosen_verb(argv: Sequence[str]) -> str | None:
    """The verb in `argv`; None where there is none before `--help` or `--version`.

    Raises:
        UsageError: no such verb.
    """
    for argument in argv:
        if argument in ("-h", "--help", "--version"):
            return None
        if argument.startswith("-"):
            continue
        if argument in VERBS:
            return argument
        near = did_you_mean(argument, list(VERBS))
        raise errors.UsageError(f"no verb {argument!r}; {near}all: {', '.join(VERBS)}")
    return None


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    verb = _chosen_verb(argv)
    parser = _parser(verb)
    args = parser.parse_args(argv)
    if verb is None:
        parser.print_help(sys.stderr)
        raise errors.UsageError("a verb is needed")
    if not hasattr(args, "run"):
        raise errors.UsageError(
            f"{verb} needs a sub-command; see {PROGRAM} {verb} --help"
        )
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: arguments without the program's name; None takes the process's.

    Returns:
        The exit status: 0 done, 2 found wrong before work, 1 failed during it.
    """
    argv = expand_gin_flags(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in argv
    argv = [argument for argument in argv if argument != "--debug"]
    # TensorFlow's notes would stand between the lines of a verb, among them "errors" that
    # are none (NodeDef ... Unknown attributes will be ignored); real ones are raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    errors.new_command()
    program = PROGRAM
    try:
        args = _parse(argv)
        program = f"{PROGRAM} {args.verb}"
        with interruption.as_ctrl_c():
            status = args.run(args)
        sys.stdout.flush()
        return errors.DONE if status is None else status
    except SystemExit as stop:
        # argparse ends --help and --version so.
        return stop.code if isinstance(stop.code, int) else errors.DONE
    except BrokenPipeError:
        # The reader (head, less) has seen enough; keep the interpreter from flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.FAILED
    except (Exception, KeyboardInterrupt) as error:
        return errors.report(error, program, debug=debug)
