"""The level of the acceptance model: on accounts that it did not know, of late, and for each offer."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from models import ridge
from models.acceptance import Acceptance, Rehearsed

LATER_SHARE = 0.33  # of the proposals, the latest: their rate is the level
MAX_WEIGHT = 5.0  # of a random proposal by 1 ÷ pscore, beside the mean: a rare one must not speak for all
PRIOR_SD = 0.15  # of an offer's own log-odds beside what its columns and kind say


def levelled(
    model: Acceptance, rehearsed: Rehearsed, made: pd.DataFrame, what: pd.DataFrame
) -> tuple[Acceptance, dict[str, Any]]:
    """The model with slope, intercept and each offer's correction; and what was found."""
    y, margin = made["y"].to_numpy(), rehearsed.margin
    slope = float(ridge.fit(margin[:, None], y, np.array([1e-3])).coefficients[0])
    slope = float(np.clip(slope, 0.5, 1.25))
    later = np.argsort(made["day"].to_numpy(), kind="stable")[-max(int(LATER_SHARE * len(y)), 1) :]
    shift_all = _level(slope * margin, y)
    shift = _level(slope * margin[later], y[later], prior=shift_all)
    levels = slope * margin + shift_all
    offsets = {}
    for offer, places in what.groupby("offer_id").indices.items():
        offsets[str(offer)] = _own(
            levels[places], y[places], _weights(made["pscore"].to_numpy(dtype="float64")[places])
        )
    found = dataclasses.replace(model, slope=slope, intercept=shift, offsets=offsets)
    return found, {"slope": slope, "intercept": shift, "offsets": offsets}


def of_strangers(model: Acceptance, rehearsed: Rehearsed, what: pd.DataFrame) -> np.ndarray:
    """(n,) log-odds of the log's own rows, levelled, by models that did not know the account."""
    own = what["offer_id"].map(model.offsets).fillna(0.0).to_numpy(dtype="float64")
    return model.slope * rehearsed.margin + model.intercept + own


def _weights(pscore: np.ndarray) -> np.ndarray:
    """1 ÷ pscore of what was random, as a multiple of their mean, at most MAX_WEIGHT; 1 for what people chose."""
    weights = np.ones(len(pscore))
    drawn = ~np.isnan(pscore)
    if drawn.any():
        inverse = 1 / pscore[drawn]
        weights[drawn] = np.minimum(inverse / inverse.mean(), MAX_WEIGHT)
    return weights


def _level(margin: np.ndarray, y: np.ndarray, prior: float = 0.0, prior_rows: float = 50.0) -> float:
    """The shift of the log-odds at which their mean probability is the rate; pulled to `prior`."""
    shift = prior
    for _ in range(25):
        p = expit(margin + shift)
        pull = prior_rows * 0.15 * (shift - prior)
        step = (float((p - y).sum()) + pull) / (float((p * (1 - p)).sum()) + prior_rows * 0.15)
        shift -= step
        if abs(step) < 1e-10:
            break
    return shift


def _own(margin: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """An offer's own shift: one Newton step after the other of its weighted residuals, with a prior N(0, PRIOR_SD²)."""
    shift = 0.0
    for _ in range(25):
        p = expit(margin + shift)
        step = (float(weights @ (p - y)) + shift / PRIOR_SD**2) / (float(weights @ (p * (1 - p))) + 1 / PRIOR_SD**2)
        shift -= step
        if abs(step) < 1e-10:
            break
    return shift
