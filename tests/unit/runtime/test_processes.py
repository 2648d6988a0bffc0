"""Signals that end a process: none of them comes between a thing's start and the moment that it can be ended."""

import signal

import pytest

from runtime.processes import ENDING, end_as_by_ctrl_c, signals_wait


@pytest.mark.parametrize("sent", ENDING)
def test_a_signal_waits_for_the_end_of_the_block(sent: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(sent, lambda number, _: came.append(number))
    try:
        with signals_wait():
            signal.raise_signal(sent)
            signal.raise_signal(sent)
            assert came == []
        assert came == [sent]
        signal.raise_signal(sent)
        assert came == [sent, sent]
    finally:
        signal.signal(sent, before)


def test_a_signal_comes_also_when_the_block_fails() -> None:
    def interrupted() -> None:
        with signals_wait():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("initdb was interrupted as well")

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_wait():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("sent", ENDING)
def test_what_ends_a_process_is_a_keyboard_interrupt_also_in_the_background(sent: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in ENDING}
    for each in ENDING:
        signal.signal(each, signal.SIG_DFL)  # a run under `nohup` ignores SIGHUP
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a shell does to those that it starts with `&`
    try:
        end_as_by_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(sent)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
