"""Functions compiled by Numba once per machine, or once per process where nothing can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

# Sums may be reordered and a product and a sum be one instruction. Never "nnan" or "ninf", which `fastmath=True` has
# too: they let the compiler forget that a value may be missing.
FAST = {"reassoc", "contract", "arcp", "nsz"}


def compiled(function: Callable[..., Any]) -> Any:
    """`function` in machine code, without Python's lock, kept on disk beside its file or in the user's cache.

    >>> @compiled
    ... def is_missing(x):
    ...     return x != x
    >>> bool(is_missing(float("nan")))
    True
    """
    how: dict[str, Any] = {"nogil": True, "fastmath": FAST, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **how)(function)
    except RuntimeError:  # no folder to keep it in
        return numba.njit(**how)(function)
