"""What asking leaves behind: do those who were asked grow, or leave, at another rate than they would have?

Estimand, by kind of offer: the ratio of the rate at which accounts, once asked, do what they were *not* asked for (or
leave), to the rate at which they would have, left alone, given what was known when they were asked. Over all who were
asked, whatever they answered: who refuses differs from who accepts, who is asked differs only by what is known. Help
works through those who accept it, so its effect on them is the effect on all ÷ the share that accepts.

Observed over expected counts; the log of the ratio is pulled to 0, for the effects are small and the events few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offers import all_parts, parts
from models.months import Months
from models.organic import LEAVE, Organic

MONTHS_AFTER = 11
PRIOR_SD = 0.1  # of the log of a ratio, before anything is seen
GROWTH = ("tier", "seats", "add_on")
MOST = 1.0  # of a log ratio among those who accept
SELLS = ("upgrade", "seats", "add_on", "bundle", "annual")


@dataclass(frozen=True)
class After:
    """Log ratios of rates, for whom it concerns: all who are asked (what sells), those who accept (help, trials)."""

    grow: float = 0.0
    leave: float = 0.0


def learn(
    made: pd.DataFrame, snapshots: pd.DataFrame, months: Months, model: Organic, catalog: Catalog
) -> tuple[dict[str, After], dict[str, Any]]:
    """By kind of offer; kinds that sell share one effect. made: the log beside its snapshots (`row`, `y`)."""
    by_id = {offer.id: offer for offer in catalog.offers}
    growth = [part for part in all_parts(catalog) if part.kind in GROWTH]
    rows = made["row"].to_numpy()
    watched, happened = _after(months, rows, [*growth, LEAVE])
    accounts = snapshots.iloc[rows].reset_index(drop=True)
    own = model.columns.matrix(accounts)
    seen = {p.name: np.zeros(len(rows)) for p in (*growth, LEAVE)}
    due = {p.name: np.zeros(len(rows)) for p in (*growth, LEAVE)}
    offered = [{part.name for part in parts(by_id[o], catalog)} for o in made["offer_id"]]
    for part in (*growth, LEAVE):
        rate = np.exp(np.minimum(model.log_rate(model.matrix(part, accounts, catalog, own), over_year=True), 0.0))
        other = np.array([part.name not in names for names in offered])
        seen[part.name] = happened[part.name] * other
        due[part.name] = rate * watched * other
    kinds = made["offer_id"].map({offer.id: offer.kind for offer in catalog.offers}).to_numpy()
    group = np.where(np.isin(kinds, SELLS), "sells", kinds)
    found: dict[str, After] = {}
    facts: dict[str, Any] = {}
    for name in sorted(set(group)):
        some = group == name
        grown = [(seen[p.name][some].sum(), due[p.name][some].sum()) for p in growth]
        grow = _log_ratio(sum(n for n, _ in grown), sum(n for _, n in grown))
        leave = _log_ratio(seen[LEAVE.name][some].sum(), due[LEAVE.name][some].sum())
        share = 1.0 if name == "sells" else max(float(made["y"].to_numpy()[some].mean()), 0.05)
        found[name] = After(*(float(np.clip(x["pulled"] / share, -MOST, MOST)) for x in (grow, leave)))
        facts[name] = {"grow": grow, "leave": leave, "n": int(some.sum())}
    return found, facts


def _log_ratio(seen: float, due: float) -> dict[str, float]:
    """Observed over expected, in logs, pulled to 0 by a prior N(0, PRIOR_SD²); the standard error is of the count."""
    if due <= 0:
        return {"seen": float(seen), "expected": float(due), "pulled": 0.0}
    ratio = np.log((seen + 0.5) / (due + 0.5))
    variance = 1 / (due + 0.5)
    return {
        "seen": float(seen), "expected": round(float(due), 2),
        "pulled": float(ratio * PRIOR_SD**2 / (PRIOR_SD**2 + variance)),
    }  # fmt: skip


def _after(months: Months, rows: np.ndarray, watch: list[Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """From the snapshot after the proposal on, until somebody asks again: months watched, and what happened in them."""
    account, month = months.account[rows], months.month[rows] + 1
    last = months.is_active.shape[1] - 1
    moved = {part.name: months.changes(part) for part in watch}
    watched = np.zeros(len(rows))
    happened = {part.name: np.zeros(len(rows)) for part in watch}
    alive = np.ones(len(rows), dtype=bool)
    for k in range(MONTHS_AFTER):
        at = np.minimum(month + k, last - 1)
        alive &= (month + k < last) & months.is_active[account, at] & ~months.is_asked_now[account, at]
        watched += alive
        for name, events in moved.items():
            happened[name] += alive & events[account, at]
    return watched, happened
