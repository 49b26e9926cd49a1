"""Looking for garbage seldom: a batch makes ten thousands of objects that all go by reference counting, with it."""

import gc

BETWEEN = 50_000
"""Objects made and not yet freed before a look; Python's own 700 has it look through every batch many times."""


def collect_seldom() -> None:
    """Once a process is put together: leave what is there alone for good, and look at what comes only now and then.

    Measured on a batch of 500 notices: a third of the processor time (benchmarks/speed/hop).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(BETWEEN, 10, 10)
