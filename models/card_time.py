"""The model card's two sections on time: what earlier models were worth on later months, and what has moved.

Nothing here is measured: it says what the stages backtest, drift and score found (models/backtest.py, drift.py,
shift.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from models.backtest import AGAINST_BASE_RATE
from models.drift import ALL_TOGETHER, Selection
from models.markdown import table, with_bounds
from models.propensity import Propensity

# By metric: how it is called, and how many digits it takes.
METRICS: Mapping[str, tuple[str, str]] = {
    "auc": ("AUC", ".3f"),
    "average_precision": ("average precision", ".3f"),
    "log_loss": ("log loss", ".4f"),
    "brier": ("Brier score", ".4f"),
    "calibration_error": ("calibration error", ".4f"),
    "lift": ("lift at the top", ".2f"),
    "precision_at_capacity": ("precision at capacity", ".3f"),
}
MONEY: Mapping[str, tuple[str, str]] = {
    "mrr_captured": ("MRR found", ",.0f"),
    "mrr_random": ("at random", ",.0f"),
    "mrr_perfect": ("at best", ",.0f"),
    "mrr_share_of_perfect": ("share of the best", ".2f"),
}
MOST_NAMED = 5  # of the features that tell the time


@dataclass(frozen=True)
class Moving:
    """What was found to move.

    told: one row per feature, most telling first, as stage `drift` wrote it. selection: what was made of that. reading:
    `models.shift.Reading` of the week's scores as plain values; empty where the model keeps nothing to hold them
    against.
    """

    told: pd.DataFrame
    selection: Selection = field(default_factory=Selection)
    reading: Mapping[str, Any] = field(default_factory=dict)


def over_time(backtest: pd.DataFrame, metrics: Mapping[str, Any]) -> list[str]:
    """What the models of earlier months were worth on the months after them."""
    lines = ["## Over time", ""]
    if not len(backtest):
        return [*lines, "No backtest: the history is too short for an earlier origin."]
    shown = {**METRICS, AGAINST_BASE_RATE: ("log loss less the base rate's", "+.4f"), **MONEY}
    picked = ["auc", AGAINST_BASE_RATE, "precision_at_capacity", *MONEY]
    rows = []
    for origin, block in backtest.groupby("origin", sort=True):
        first, by = block.iloc[0], block.set_index("metric")
        rows.append(
            [str(origin)[:10], f"{first['n_learnt']:,.0f}", f"{first['n_rows']:,.0f}", f"{first['rate']:.3f}",
             f"{first['mean_p']:.3f}",
             *(with_bounds(by.loc[m] if m in by.index else {}, shown[m][1]) for m in picked)]
        )  # fmt: skip
    gaps = (backtest.groupby("origin")["mean_p"].first() - backtest.groupby("origin")["rate"].first()).abs()
    n = len(rows)
    return [
        *lines,
        f"Backtest: {n} rolling {'origins' if n > 1 else 'origin'}, each learning only from outcomes known by then "
        "(with "
        f"today's parameters) and judged on the snapshots that followed, {metrics['capacity']} accounts each. Money "
        "is MRR "
        "per snapshot.",
        "",
        *table(["origin", "rows learnt", "rows judged", "rate", "mean p", *(shown[m][0] for m in picked)], rows),
        "",
        f"Drift: mean probability and rate differed by {gaps.mean():.3f} on average, at most by {gaps.max():.3f}.",
    ]


def moved(model: Propensity, moving: Moving) -> list[str]:
    """What tells the time and what was done about it; where the base rate stood, and where the scores say it stands."""
    known = None if model.shift is None else model.shift.moved
    rate = known.sentence if known else "How the base rate moved was not measured: there were too few later rows."
    return [
        "## What moves",
        "",
        f"- **Past:** {rate}",
        f"- **The week's scores:** {_read(moving.reading)}",
        f"- **Features that tell the time:** {_telling(moving.told)} {_done(moving.selection)}",
    ]


def _read(reading: Mapping[str, Any]) -> str:
    """The reading of the week's scores in two sentences."""
    if not reading:
        return "the model keeps nothing to hold them against."
    spread = (
        f"{reading['n_rows']:,} rows, spread {'otherwise than' if reading['distribution_moved'] else 'much as'} the "
        f"latest whose outcome is known (PSI {reading['psi']:.2f})"
    )
    if reading["rate_em"] is None:
        return f"{spread}. Their base rate was {reading['why']}; it stays at the latest known."
    seen = (
        f"by them the base rate would be {reading['rate_em']:.1%} ({reading['low']:.1%} to {reading['high']:.1%}), "
        f"the latest known is {reading['rate_carried']:.1%}"
    )
    if reading["is_corrected"]:
        return f"{spread}; {seen}. Probabilities were moved to it: {reading['why']}."
    return f"{spread}; {seen}. Probabilities stay at the latest known: {reading['why']}."


def _telling(told: pd.DataFrame) -> str:
    features = told[told["feature"] != ALL_TOGETHER]
    telling = features[features["tells_time"].astype(bool)]
    together = told.loc[told["feature"] == ALL_TOGETHER, "auc_latest"]
    if not len(telling):
        return f"none of {len(features)} tells earlier rows from later ones beyond chance."
    named = ", ".join(f"{row.feature} {row.auc_latest:.2f}" for row in telling.head(MOST_NAMED).itertuples())
    more = f" and {len(telling) - MOST_NAMED} more" if len(telling) > MOST_NAMED else ""
    return (
        f"{len(telling)} of {len(features)} tell earlier rows from later ones beyond chance (AUC alone: {named}{more}; "
        f"all together {together.iloc[0]:.2f}; 0.5 is not at all, 1 is a calendar)."
    )


def _done(selection: Selection) -> str:
    left_out = (
        f"Left out, since later rows are predicted better without: {', '.join(selection.dropped)}."
        if selection.dropped
        else "None is left out: later rows are not predicted better without."
        if selection.tried
        else "None is left out: nothing was tried."
    )
    ages = "" if selection.half_life is None else f" Rows weigh half after {selection.half_life:,.0f} days."
    return left_out + ages
