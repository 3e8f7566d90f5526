"""Rows in the order of a probability, highest first; rows of one probability share what comes to them."""

from __future__ import annotations

import numpy as np


def ties(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of `p`, highest first, and where each run of equal values starts in it."""
    order = np.argsort(-p, kind="stable")
    return order, np.flatnonzero(np.concatenate([[True], np.diff(p[order]) != 0]))


def first_of(w: np.ndarray, seen: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The share of each tie that is among the first `n` of its column's weight."""
    return np.divide(np.clip(n - (seen - w), 0, w), w, out=np.zeros_like(w), where=w > 0)


def by_period(p: np.ndarray, when: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each period's rows, highest first, and where runs of equal values start."""
    parts = []
    for period in np.unique(when):
        rows = np.flatnonzero(when == period)
        order, starts = ties(p[rows])
        parts.append((rows[order], starts))
    return parts
