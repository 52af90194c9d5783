"""Sweeps that wait for others leave threads to those that do not."""

from __future__ import annotations

from contextlib import ExitStack

from accounts.turns import turn


def test_one_sweep_of_a_name_goes_on_at_a_time():
    with turn("orders") as first, turn("orders") as second:
        assert (first, second) == (True, False)
    with turn("orders") as again:
        assert again


def test_half_of_the_threads_are_left_to_others(settings):
    with ExitStack() as stack:
        turns = [stack.enter_context(turn(str(number))) for number in range(settings.WORKER_THREADS)]
    assert turns.count(True) == max(1, settings.WORKER_THREADS // 2)


def test_a_sweep_that_fails_gives_its_turn_back():
    try:
        with turn("orders"):
            raise RuntimeError
    except RuntimeError:
        pass
    with turn("orders") as again:
        assert again
