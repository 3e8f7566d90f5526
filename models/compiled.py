"""Functions compiled by Numba once per machine, or once per process where nothing can be written.

Without `fastmath`: it lets the compiler forget that a value may be missing, and gains nothing here. So every sum and
product is rounded as written, and gives the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """`function` in machine code, without Python's lock, kept on disk beside its file or in the user's cache.

    >>> @compiled
    ... def is_missing(x):
    ...     return x != x
    >>> bool(is_missing(float("nan")))
    True
    """
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # no folder to keep it in
        return numba.njit(nogil=True, error_model="numpy")(function)
