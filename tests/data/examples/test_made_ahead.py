"""What is needed next is made while what was made is used."""

import threading
import time

import pytest

from electra_bench.data.examples.made_ahead import made_ahead


def test_everything_comes_in_order():
    assert list(made_ahead(lambda n: n * n, range(50))) == [n * n for n in range(50)]
    assert list(made_ahead(str, [])) == []


def test_it_is_made_while_the_last_is_used():
    def make(number):
        time.sleep(0.02)
        return number

    started = time.monotonic()
    for _ in made_ahead(make, range(20)):
        time.sleep(0.02)
    # One after the other it takes 0.8 s.
    assert time.monotonic() - started < 0.65


def test_no_more_is_made_than_may_wait():
    made = []
    items = made_ahead(made.append, range(1000), ahead=3)
    next(items)
    time.sleep(0.2)
    # One is used, three wait, and one could not be put there yet.
    assert len(made) == 5
    items.close()


def test_an_error_comes_where_its_result_would():
    def make(number):
        if number == 3:
            raise OSError("no disk")
        return number

    items = made_ahead(make, range(9))
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="no disk"):
        next(items)


def test_nothing_is_made_after_the_end():
    items = made_ahead(lambda n: n, range(10**9))
    next(items)
    items.close()
    deadline = time.monotonic() + 5
    while any(thread.name == "made ahead" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
