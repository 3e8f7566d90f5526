"""The rehearsal learns from what is earlier, judges by what is later, and a trend is drawn from the past alone."""

import doctest

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import origins
from benchmarks.quality.splits import ROW, TARGET
from models.settings import Tuning


def test_docstrings():
    assert doctest.testmod(origins).failed == 0


def test_only_later_rows_judge_and_no_row_beyond_them():
    rng = np.random.default_rng(0)
    n = 1600
    x = rng.normal(size=n)
    y = (rng.random(n) < np.where(x > 0, 0.4, 0.1)).astype("int64")
    table = pd.DataFrame({"x": x, TARGET: y, ROW: np.arange(n)})
    (seen,) = origins.seen(table, [0.8], trials=1)
    assert seen.n_learnt == 1280
    assert seen.rate == pytest.approx(y[1280:1600].mean())
    assert 0.6 < seen.auc == pytest.approx(seen.auc_of_margin, abs=0.02)
    # The rows that judge decide nothing: others in their place, and the same was learnt.
    swapped = table.assign(**{TARGET: np.where(np.arange(n) < 1280, y, 1 - y)})
    (other,) = origins.seen(swapped, [0.8], trials=1)
    assert (other.carried, other.mean, other.trended) == (seen.carried, seen.mean, seen.trended)


def test_a_trend_moves_on_and_a_world_at_rest_has_none():
    rising = np.concatenate([np.arange(400) < k for k in (20, 40, 80, 140)]).astype("float64")
    assert origins.trended(rising, 0.35, 400, Tuning()) > 0.4
    still = np.tile(np.arange(400) < 40, 4).astype("float64")
    assert origins.trended(still, 0.1, 400, Tuning()) == pytest.approx(0.1)
    assert "the trend was nearer at 25" in origins.levels(expit_line(4000), Tuning())


def expit_line(n: int) -> np.ndarray:
    """Outcomes whose log-odds rise by a straight line, without noise to speak of."""
    p = 1 / (1 + np.exp(3 - 4 * np.arange(n) / n))
    return np.diff(np.floor(np.concatenate([[0.0], np.cumsum(p)])))
