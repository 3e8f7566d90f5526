"""Work spread over processes, whose results come back in the order in which the work was given."""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_order(make: Callable[[Given], Made], given: Iterable[Given], processes: int) -> Iterator[Made]:
    """`make` of each, in their order; no more than one result for each process waits to be taken.

    >>> list(in_order(str, [1, 2, 3], processes=1))
    ['1', '2', '3']
    """
    if processes <= 1:
        yield from map(make, given)
        return
    # Fresh processes: a fork of one that has threads (as Arrow starts) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent) as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for item in given:
                waiting.append(pool.submit(make, item))
                if len(waiting) > processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _end_with_parent() -> None:
    """In a worker: end when the process that gave the work ends, even if it was killed and could not say so."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - a worker has one

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
