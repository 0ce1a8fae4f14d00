"""Numbers out of the range that their parameter declares are found while gin is read."""

from collections.abc import Mapping, Sequence

import pytest

from electra_bench import config
from electra_bench.config import ranges, types
from electra_bench.config.roles import Result
from electra_bench.registry import Registry

KIND = "config_test_numbers"
things = Registry(KIND)


@things.register("net")
def net(
    *,
    size: Result[ranges.Positive[int] | None] = None,
    dropout: Result[ranges.Rate[float]] = 0.1,
    shares: Result[Sequence[ranges.PositiveShare[float]]] = (),
    weights: Result[Mapping[str, ranges.NotNegative[float]] | None] = None,
):
    return size, dropout, shares, weights


def parse(*overrides):
    load = lambda kind, name: things.load(name)  # noqa: E731
    config.parse((), overrides, load, lambda module: None, [KIND])


@pytest.mark.parametrize(
    "binding",
    [
        "size = 1",
        "size = None",
        "dropout = 0",
        "shares = [1, 0.5]",
        "weights = {'a': 0}",
    ],
)
def test_inside(binding):
    parse(f"{KIND}.net.{binding}")


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ("size = 0", "int above 0 | None"),
        ("size = -3", "int above 0 | None"),
        ("size = 1.5", "int above 0 | None"),
        ("dropout = 1.0", "float of at least 0, below 1"),
        ("dropout = 1e999", "float of at least 0, below 1"),
        ("shares = [0.5, 0]", r"Sequence[float above 0, at most 1]"),
        ("shares = [0.5, %S]", r"Sequence[float above 0, at most 1]"),
        ("weights = {'a': -1}", "Mapping[str, float of at least 0] | None"),
    ],
)
def test_outside(binding, expected):
    more = ["S = 7"] if "%S" in binding else []
    with pytest.raises(config.ConfigError) as error:
        parse(f"{KIND}.net.{binding}", *more)
    assert f"expected {expected} (for {KIND}.net." in str(error.value)


def test_a_range_is_no_role_and_changes_no_type():
    marked = Result[ranges.Positive[int] | None]
    assert types.has_literals(marked) and not types.has_objects(marked)
    assert types.shown(ranges.Share[float]) == "float from 0 to 1"
