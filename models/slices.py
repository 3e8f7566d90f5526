"""Is the model as right for every kind of account as it is for the rest?

For each value of each slice (a plan, a region, a band of tenure …) against all other rows of the block: is the *level*
of its probabilities off by another amount, and does its *order* say less, or more, than it claims? Both in log-odds:
level and slope of the line that recalibrates the slice, less those of the rest. A level that is off everywhere, as when
the base rate moved, is no difference between slices. AUC is reported but not tested: it also depends on how much the
accounts of a slice differ, so it varies between slices of a model that is right for all.

Two tests per slice make some differ by chance. Flags are corrected by Holm's step-down: where no slice differs, the
chance of *any* flag in the whole table is at most `ALPHA`, however the slices overlap (plan and size say much the
same). A false discovery rate (Benjamini-Hochberg) would promise less: somebody looks into every flag, one by one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import t as student

from models import calibration
from models.blocks import target
from models.evaluation import compare
from models.interval import recalibration
from models.settings import Evaluation

ALPHA = 0.05
# Groups (accounts) with a positive, and without, below which a slice is reported but not tested.
MIN_GROUPS = 20
COLUMNS = (
    "slice", "value", "n_rows", "n_accounts", "n_positive", "rate", "rate_low", "rate_high", "mean_p", "gap",
    "log_loss", "auc", "auc_low", "auc_high", "level_off", "level_p", "slope_off", "slope_p", "is_flagged", "why",
)  # fmt: skip


def judge(
    y: pd.Series[Any],
    p: np.ndarray,
    slices: pd.DataFrame,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
) -> pd.DataFrame:
    """One row per slice and value, in the order of `slices`' columns and of the values' names; COLUMNS.

    slices: a column per slice, a value per row; a gap is a value of its own, `(unknown)`. `rate` has an interval by
    group (`settings.interval`); gap = mean p - rate; `level_off` and `slope_off` are in log-odds against the rest
    (positive: the model says too little), `*_p` are p-values before the correction, null where nothing was tested.

    >>> rng = np.random.default_rng(0)
    >>> p, plan = rng.uniform(0.1, 0.4, 4000), np.array(["free", "pro"] * 2000)
    >>> y = pd.Series(rng.random(4000) < np.where(plan == "free", p / 2, p))
    >>> found = judge(y, p, pd.DataFrame({"plan": plan}), settings=Evaluation(n_bootstrap=50), seed=0)
    >>> found[["value", "is_flagged", "why"]].values.tolist()
    [['free', True, 'level'], ['pro', True, 'level']]
    """
    truth = target(y)
    codes = np.arange(len(truth)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    at = logit(np.clip(np.asarray(p, dtype="float64"), 1e-9, 1 - 1e-9))
    spread = float(at.std()) if len(at) else 0.0
    # Centred where rows tell most, so that a level is that of the slice as a whole and does not lean on the slope.
    middle = float(np.average(at, weights=expit(at) * expit(-at))) if len(at) else 0.0
    z = (at - middle) / spread if spread > 1e-6 else np.zeros_like(at)
    rows = []
    for name in slices.columns:
        values = slices[name].astype("str").where(slices[name].notna(), "(unknown)").to_numpy(dtype=object)
        for value in sorted(set(values)):
            inside = values == value
            measured = _measured(y, p, truth, codes, inside, settings, seed)
            tested = _tested(at, z, truth, codes, inside) if spread > 1e-6 else {}
            rows.append({"slice": name, "value": value, **measured, **tested})
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return _flagged(table)


def bands(values: pd.Series[Any], edges: list[float], unit: str = "") -> pd.Series[Any]:
    """Values as named half-open bands; gaps stay gaps.

    >>> bands(pd.Series([10.0, 90.0, 400.0]), [90, 365], " days").tolist()
    ['1: under 90 days', '2: 90 to 365 days', '3: 365 days or more']
    """
    names = [f"1: under {edges[0]:g}{unit}"]
    names += [f"{i}: {low:g} to {high:g}{unit}" for i, (low, high) in enumerate(pairwise(edges), 2)]
    names += [f"{len(edges) + 1}: {edges[-1]:g}{unit} or more"]
    number = values.astype("float64")
    named = pd.Series(np.array(names, dtype=object)[np.searchsorted(edges, number.fillna(0.0), side="right")])
    named.index = values.index
    return named.where(number.notna(), None)


def _measured(
    y: pd.Series[Any], p: np.ndarray, truth: np.ndarray, codes: np.ndarray, inside: np.ndarray,
    settings: Evaluation, seed: int,
) -> dict[str, Any]:  # fmt: skip
    mine, own = truth[inside], np.unique(codes[inside], return_inverse=True)[1]
    rate, n_groups = float(mine.mean()), int(own.max()) + 1
    found = {
        "n_rows": int(inside.sum()), "n_accounts": n_groups, "n_positive": int(mine.sum()),
        "rate": rate, "mean_p": float(p[inside].mean()), "gap": float(p[inside].mean()) - rate,
        "log_loss": float(calibration.log_losses(mine, p[inside]).mean()),
    }  # fmt: skip
    if not 0 < mine.sum() < len(mine):
        return found
    # On the scale of log-odds, so that bounds stay within 0 and 1.
    error = calibration.standard_error(mine, own) / (rate * (1 - rate))
    far = float(student.ppf((1 + settings.interval) / 2, max(n_groups - 1, 1)))
    found |= {"rate_low": float(expit(logit(rate) - far * error)), "rate_high": float(expit(logit(rate) + far * error))}
    auc = compare(
        y[inside], {"ours": p[inside]}, settings=settings, seed=seed, groups=pd.Series(own, index=y[inside].index)
    ).metrics["ours"]["auc"]
    return found | {"auc": auc.value, "auc_low": auc.low, "auc_high": auc.high}


def _tested(at: np.ndarray, z: np.ndarray, y: np.ndarray, codes: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """Level and slope against the rest, each with its p-value; nothing where either side has too few groups."""
    support = [
        min(len(np.unique(codes[side & (y == 1)])), len(np.unique(codes[side & (y == 0)])))
        for side in (inside, ~inside)
    ]
    if min(support) < MIN_GROUPS:
        return {}
    (ours, of_ours), (rest, of_rest) = (
        recalibration(at[side], z[side], y[side], codes[side]) for side in (inside, ~inside)
    )
    off = ours - rest
    # As sure as the smaller side's rarer class lets one be
    p_values = 2 * student.sf(np.abs(off) / np.sqrt(np.diag(of_ours + of_rest)), min(support) - 1)
    return {
        "level_off": float(off[0]), "level_p": float(p_values[0]),
        "slope_off": float(off[1]), "slope_p": float(p_values[1]),
    }  # fmt: skip


def _flagged(table: pd.DataFrame) -> pd.DataFrame:
    """With `is_flagged` and `why`, by Holm over all tests of the table.

    A slice of two values is one comparison, told twice: it counts once.
    """
    tests: list[tuple[float, int, str]] = []
    for _, rows in table.groupby("slice", sort=False):
        once = rows.head(1) if len(rows) == 2 else rows
        for kind in ("level", "slope"):
            tests += [
                (p, i, kind) for i, p in zip(once.index, once[f"{kind}_p"].astype("float64"), strict=True) if p >= 0
            ]
    table = table.assign(is_flagged=False, why="")
    for rank, (p, i, kind) in enumerate(sorted(tests)):
        if p > ALPHA / (len(tests) - rank):
            break
        same = table.index[table["slice"] == table.at[i, "slice"]]
        for j in same if len(same) == 2 else [i]:
            table.loc[j, "is_flagged"] = True
            table.loc[j, "why"] = " and ".join(filter(None, [str(table.at[j, "why"]), kind]))
    return table
