"""The ways on that sentences name, and how each is gone: by what the sentence says only."""

import os
import re
import shutil
from collections.abc import Callable
from typing import NamedTuple

from file_layer import Tree
from workshop import OUTPUTS, Command, Workshop

# A path in a sentence.
_PATH = r"'?([^\s';]+?)'?"


class Shop(NamedTuple):
    """What there is to go a way.

    Attributes:
        made: what makes things again.
        kept: what whoever is asked for a file still has.
        command: what was refused.
    """

    made: Workshop
    kept: Tree
    command: Command


def _with(*flags: str) -> Callable[[Shop, str], Command]:
    def way(shop: Shop, _: str) -> Command:
        return shop.command._replace(argv=[*shop.command.argv, *flags])

    return way


def _put_back(shop: Shop, path: str) -> Command:
    with open(path, "wb") as file:
        file.write(shop.kept[os.path.relpath(path)] or b"")
    return shop.command


def _elsewhere(shop: Shop, path: str) -> Command:
    """The same as choosing another folder, where the result is looked for in this one."""
    os.rename(path, f"{path}-before")
    return shop.command


def _remove_and_make(shop: Shop, path: str) -> Command:
    shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return _make(shop, path)


def _make(shop: Shop, path: str, *flags: str) -> Command:
    """Has the command make the folder of a path again that made it before.

    The refused one makes its own when it is given again.
    """
    name = _maker(shop, path)
    maker = shop.made.commands[name]
    if maker != shop.command:
        outcome = maker._replace(argv=[*maker.argv, *flags]).run()
        if outcome.status:
            raise NoWay(f"{name}: {outcome.said}")
    return shop.command


def _remove_record(shop: Shop, path: str) -> Command:
    name = _maker(shop, path)
    return _remove_and_make(shop, OUTPUTS[name] if name == "import" else path)


def _maker(shop: Shop, path: str) -> str:
    below = f"{os.path.relpath(path)}/"
    makers = [x for x in shop.made.commands if below.startswith(f"{OUTPUTS[x]}/")]
    own = [x for x in makers if shop.made.commands[x] == shop.command]
    return (own or makers)[0]


def _make_again(shop: Shop, path: str) -> Command:
    """Makes the whole folder anew that a checkpoint lies in."""
    return _remove_and_make(shop, OUTPUTS[_maker(shop, path)])


# What a sentence says to what is done; the first that matches. What is in brackets is the
# path that it names.
_RECORD = r"([^\s';]+record\.json)"
WAYS: tuple[tuple[str, Callable[[Shop, str], Command]], ...] = (
    (r"--overwrite (?:to replace|replaces) it()", _with("--overwrite")),
    (
        rf"no vocab\.txt or vocab\.model in {_PATH}: put it there",
        lambda shop, folder: _put_back(shop, os.path.join(folder, "vocab.txt")),
    ),
    (rf"{_PATH} is not the vocabulary .*: put that file back", _put_back),
    (
        rf"{_PATH}:? has no record\.json: .*; the command that made it writes it again",
        _make,
    ),
    (
        rf"{_RECORD}: .* remove it, or of an import the whole folder, and give the "
        "command again that made it",
        _remove_record,
    ),
    (rf"{_PATH} is damaged: .*; remove it and export it again", _remove_and_make),
    (
        rf"{_PATH}: .*; make the examples anew, .*corpus build --overwrite`",
        lambda shop, path: _make(shop, path, "--overwrite"),
    ),
    (
        rf"{_PATH} exists, and is not what would be written; choose another folder",
        _elsewhere,
    ),
    (rf"{_PATH} is damaged: .*, so it has to be made again", _make_again),
)


class NoWay(Exception):
    """What a sentence says is to be done cannot be done; says why."""


def way_on(said: str, shop: Shop) -> Command | None:
    """Does what a sentence says, and gives the command to be given then.

    Args:
        said: by a command that was refused.
        shop: see `Shop`.

    Returns:
        None if the sentence names no way that is known.

    Raises:
        NoWay: it does not help.
    """
    [line] = [x for x in said.splitlines() if ": error: " in x]
    sentence = line.partition(": error: ")[2]
    for says, way in WAYS:
        if found := re.search(says, sentence):
            return way(shop, found[1])
    return None
