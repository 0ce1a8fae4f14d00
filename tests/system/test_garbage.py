"""Garbage is looked for again once work begins, and what was made before is found, too."""

import gc
import weakref

from electra_bench.system import garbage


class Thing:
    pass


def of_itself():
    thing = Thing()
    thing.me = thing
    return weakref.ref(thing)


def test_what_is_made_before_work_is_collected_later():
    assert gc.isenabled()
    with garbage.none_before_work() as begin:
        made = of_itself()
        assert not gc.isenabled() and made()
        begin()
        assert gc.isenabled()
    gc.collect()
    assert made() is None


def test_without_work_it_is_looked_for_again_at_the_end():
    with garbage.none_before_work():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with garbage.none_before_work() as begin:
            begin()
        assert not gc.isenabled(), "whoever has switched it off knows why"
    finally:
        gc.enable()


def test_seldom():
    before = gc.get_threshold()
    try:
        garbage.look_seldom()
        assert gc.get_threshold()[0] == garbage.OBJECTS
        frozen = gc.get_freeze_count()
        thing = of_itself()
        garbage.look_seldom()
        assert gc.get_freeze_count() == frozen
        gc.collect()
        assert thing() is None
    finally:
        gc.set_threshold(*before)
