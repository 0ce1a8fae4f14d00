import collections
import enum
import functools
import re
import sys
import threading

import numpy as np
import pytest

from electra_bench.system.behaviour import Untold, behaviour_sha256

SETTINGS = {"factor": 2}


class Colour(enum.IntEnum):
    RED = 1
    BLUE = 2


Point = collections.namedtuple("Point", "x y")


class Holder:
    def __init__(self, content):
        self.content = content

    def method(self):
        return self.content


def scaled(value, factor=1):
    return value * factor


@functools.cache
def remembered(value):
    return helper(value)


def helper(value):
    return value * SETTINGS["factor"]


def countdown(number):
    return number and other_countdown(number - 1)


def other_countdown(number):
    return number and countdown(number - 1)


def closing_over(value):
    def inner():
        return value

    return inner


def first_of(*functions):
    return functions[0]


def test_what_differs_has_another_hash():
    things = [
        scaled,
        helper,
        remembered,
        countdown,
        Holder,
        Holder(1),
        Holder(2),
        Holder([1]),
        Holder(1).method,
        functools.partial(scaled, factor=2),
        functools.partial(scaled, factor=3),
        closing_over(1),
        closing_over("1"),
        closing_over({1, 2}),
        closing_over(re.compile("a")),
        closing_over(re.compile("a", re.IGNORECASE)),
        closing_over(np.arange(3)),
        closing_over(np.arange(3.0)),
        Colour.RED,
        Colour.BLUE,
        Point(1, 2),
        Point(2, 1),
        (1, 2),
        first_of(lambda: 1, lambda: 2),
        first_of(lambda: 2, lambda: 1),
        collections.OrderedDict(a=1),
        {"a": 1},
    ]
    hashes = [behaviour_sha256([thing]) for thing in things]
    assert len(set(hashes)) == len(hashes)
    assert behaviour_sha256([Holder([1])]) == hashes[7]
    # Whether equal values are one object does not count.
    shared = [1]
    assert behaviour_sha256([(shared, shared)]) == behaviour_sha256([([1], [1])])


def test_a_changed_global_counts_even_behind_a_memo(monkeypatch):
    before = behaviour_sha256([remembered])
    monkeypatch.setitem(SETTINGS, "factor", 3)
    assert behaviour_sha256([remembered]) != before


def test_versions_of_packages_count(monkeypatch):
    from electra_bench.system import source_closure

    before = behaviour_sha256([np.mean])
    monkeypatch.setattr(source_closure.metadata, "version", lambda name: "0.0")
    assert behaviour_sha256([np.mean]) != before


def test_what_cannot_be_told_is_an_error(monkeypatch):
    with pytest.raises(Untold, match="cannot pickle"):
        behaviour_sha256([closing_over(threading.Lock())])
    console = type(sys)("a_console")
    monkeypatch.setitem(sys.modules, "a_console", console)
    exec("def typed(): return 1", console.__dict__)
    with pytest.raises(Untold, match="no source file of module 'a_console'"):
        behaviour_sha256([functools.partial(console.typed)])
