"""Arguments that are declared as dataclasses."""

import argparse
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Literal

import pytest

from electra_bench.cli import arguments, main
from electra_bench.cli.errors import UsageError


@dataclass(kw_only=True)
class Common:
    """What verbs have in common.

    examples:
      in common

    Attributes:
        seed: of random
            draws
    """

    seed: int = 0


@dataclass
class Bake(Common):
    """Bakes a cake.

    And eats it.

    Attributes:
        cakes: which
        heat_of: the oven
        sorts: of flour
    """

    cakes: list[arguments.File]
    _: KW_ONLY
    heat_of: float
    sorts: list[str] = field(default_factory=list)
    form: Literal["round", "square"] | None = None
    weight: Annotated[float, arguments.Options(flags=["--kg"])] | None = None
    eaten: bool = False


def parser_of(declared, **options):
    parser, given = main.Parser(prog="kitchen"), []
    actions = parser.add_subparsers()
    verb = arguments.add(actions, "bake", declared, given.append, **options)

    def parse(*argv):
        parsed = parser.parse_args(["bake", *argv])
        parsed.run(parsed)
        return given.pop()

    return parse, " ".join(verb.format_help().split())


def test_arguments_become_an_instance():
    parse, _ = parser_of(Bake)
    assert parse("a", "b", "--heat_of", "2") == Bake(["a", "b"], heat_of=2.0)
    given = "a --heat_of 2 --seed 3 --sorts x --sorts y --form round --kg .5 --eaten"
    assert parse(*given.split()) == Bake(
        ["a"],
        heat_of=2.0,
        seed=3,
        sorts=["x", "y"],
        form="round",
        weight=0.5,
        eaten=True,
    )


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--heat_of", "2"], "required: FILE"),
        (["a"], "required: --heat_of"),
        (["a", "--heat_of", "hot"], "invalid float value: 'hot'"),
        (["a", "--heat_of", "2", "--form", "flat"], "invalid choice: 'flat'"),
        (["a", "--heat-of", "2"], "required: --heat_of"),
    ],
)
def test_what_does_not_fit_is_said(argv, said):
    parse, _ = parser_of(Bake)
    with pytest.raises(UsageError, match=said):
        parse(*argv)


def test_dashes_where_they_are_wanted():
    parse, _ = parser_of(Bake, dashes=True)
    assert parse("a", "--heat-of", "2") == parse("a", "--heat_of", "2")


def test_docstrings_are_the_help():
    _, text = parser_of(Bake)
    assert "Bakes a cake. And eats it." in text
    assert "--seed N of random draws" in text
    assert "--sorts NAME of flour; may be repeated" in text
    assert text.endswith("examples: in common")
    assert "Attributes" not in text


@pytest.mark.parametrize("verb", main.VERBS)
def test_every_argument_of_every_verb_is_explained(verb):
    def check(parser):
        assert parser.description and "Attributes" not in parser.format_help()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    check(inner)
            else:
                assert action.help, (verb, action.dest)

    check(main._parser(verb))
