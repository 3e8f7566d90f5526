"""What asking leaves behind: do those who were asked grow, or leave, at another rate than they would have?

Estimand, by kind of offer: the ratio of the rate at which accounts, once asked, do what they were *not* asked for (or
leave), to the rate at which they would have, left alone, given what was known when they were asked; one ratio where
the answer is no, another where it is yes. Who answers yes differs from who answers no, so neither is compared with the
other: an account that accepts with probability p is expected to move at

    its rate alone × ((1 − p) · ratio where refused + p · ratio where accepted),

and p hangs on nothing but what was known when it was asked. Help that is declined leaves nothing behind.

Each change is watched until it happens once, as its rate alone was learnt: what follows a change is another story.
A refusal rankles, and new terms settle, for some months and not for ever, while most accounts are watched for a few
months only, until somebody asks again: the first quarter and the rest of the year have ratios of their own. An unhappy
customer takes a pitch amiss: what a refusal leaves hangs on the account's health. Who pays by the year leaves at the
renewal, so that an effect on leaving counts where the renewal falls. The logs of the ratios are pulled to 0, for the
effects are small and the events few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from data.catalog import Catalog
from features.offers import Part, all_parts, is_open, parts
from models.exposure import at_renewal, evenly
from models.months import Months
from models.organic import LEAVE, Organic

SPANS = {"early": (1, 4), "late": (4, 12)}  # months from the snapshot on; the first of them is the proposal's own
# Of the log of a ratio, before anything is seen: refused at full health, what no health adds to it, accepted.
PRIOR_SD = {"early": (0.2, 1.0, 0.5), "late": (0.1, 0.5, 0.2)}
GROWTH = ("tier", "seats", "add_on")
MOST = 3.0  # of a log ratio
SELLS = ("upgrade", "seats", "add_on", "bundle", "annual")


@dataclass(frozen=True)
class Logs:
    """The log of a ratio by span: at full health, and what is added where there is none."""

    early: tuple[float, float] = (0.0, 0.0)
    late: tuple[float, float] = (0.0, 0.0)

    def over_year(self, unhappy: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        """(n,) the year's ratio. unhappy: (n,); exposure: see models/exposure.py."""
        months = np.ones(exposure.shape)
        for span, (start, end) in SPANS.items():
            level, slope = getattr(self, span)
            months[:, start:end] = np.exp(level + slope * unhappy)[:, None]
        return np.asarray((months * exposure).sum(axis=1) / exposure.sum(axis=1))


@dataclass(frozen=True)
class Ratios:
    """Of the rates of growing and of leaving."""

    grow: Logs = Logs()
    leave: Logs = Logs()


@dataclass(frozen=True)
class After:
    """What follows a no and what follows a yes."""

    refused: Ratios = Ratios()
    accepted: Ratios = Ratios()

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> After:
        """From what dataclasses.asdict gave, through JSON."""

        def logs(of: dict[str, list[float]]) -> Logs:
            return Logs(*((float(of[span][0]), float(of[span][1])) for span in SPANS))

        return cls(*(Ratios(logs(content[k]["grow"]), logs(content[k]["leave"])) for k in ("refused", "accepted")))


def unhappy(accounts: pd.DataFrame) -> np.ndarray:
    """(n,) 0 at full health, 1 at none; 0 where it is not known: no account's figure hangs on who else is asked about.

    >>> unhappy(pd.DataFrame({"health_score": [100.0, 40.0, None]})).tolist()
    [0.0, 0.6, 0.0]
    """
    health = accounts.get("health_score", pd.Series(np.nan, index=accounts.index)).astype("float64")
    return np.asarray(1 - health.fillna(100.0) / 100)


def learn(
    made: pd.DataFrame, p: np.ndarray, snapshots: pd.DataFrame, months: Months, model: Organic, catalog: Catalog
) -> tuple[dict[str, After], dict[str, Any]]:
    """By kind of offer; kinds that sell share one effect ("sells").

    made: the log beside its snapshots (`row`); p: (n,) how likely each was to be accepted, by who did not know it.
    """
    by_id = {offer.id: offer for offer in catalog.offers}
    growth = [part for part in all_parts(catalog) if part.kind in GROWTH]
    rows = made["row"].to_numpy()
    accounts = snapshots.iloc[rows].reset_index(drop=True)
    own, mood = model.columns.matrix(accounts), unhappy(accounts)
    offered = [{part.name for part in parts(by_id[o], catalog)} for o in made["offer_id"]]
    seen = {(to, span): np.zeros(len(rows)) for to in ("grow", "leave") for span in SPANS}
    due = {key: np.zeros(len(rows)) for key in seen}
    for part in (*growth, LEAVE):
        rate = np.exp(np.minimum(model.log_rate(model.matrix(part, accounts, catalog, own), over_year=True), 0.0))
        other = np.array([part.name not in names for names in offered])
        if part is not LEAVE:
            other &= is_open(part, accounts, catalog).to_numpy(dtype=bool)
        to = "leave" if part is LEAVE else "grow"
        exposure = at_renewal(accounts) if part is LEAVE else evenly(len(rows))
        for span, (happened, watched) in _first(months, rows, part, exposure).items():
            seen[to, span] += happened * other
            due[to, span] += rate * watched * other
    kinds = made["offer_id"].map({offer.id: offer.kind for offer in catalog.offers}).to_numpy()
    group = np.where(np.isin(kinds, SELLS), "sells", kinds)
    found: dict[str, After] = {}
    facts: dict[str, Any] = {}
    for name in sorted(set(group)):
        some = group == name
        logs = {
            (to, span): log_ratios(
                seen[to, span][some], due[to, span][some], p[some], mood[some], PRIOR_SD[span], refusal=name == "sells"
            )
            for to, span in seen
        }
        no = [Logs(*(logs[to, span][:2] for span in SPANS)) for to in ("grow", "leave")]
        yes = [Logs(*((logs[to, span][2], 0.0) for span in SPANS)) for to in ("grow", "leave")]
        found[name] = After(Ratios(*no), Ratios(*yes))
        facts[name] = {"n": int(some.sum())} | {
            f"{to}_{span}": {
                "seen": float(seen[to, span][some].sum()), "expected": round(float(due[to, span][some].sum()), 2),
                "refused": of[0], "refused_by_unhappiness": of[1], "accepted": of[2],
            }
            for (to, span), of in logs.items()
        }  # fmt: skip
    return found, facts


def log_ratios(
    seen: np.ndarray, due: np.ndarray, p: np.ndarray, mood: np.ndarray, prior_sd: tuple[float, float, float], *,
    refusal: bool,
) -> tuple[float, float, float]:  # fmt: skip
    """Where refused at full health, what is added to it where there is none, and where accepted: the likeliest of
    Poisson counts with priors N(0, prior_sd²).

    seen, due: (n,) events, and how many were expected of accounts left alone. refusal: whether a no leaves anything.

    >>> due = np.full(4000, 0.5)
    >>> p = np.repeat([0.0, 1.0], 2000)
    >>> told = log_ratios(np.where(p > 0, 0.25, 0.5), due, p, np.zeros(4000), (0.1, 0.3, 0.3), refusal=True)
    >>> [abs(round(log, 2)) for log in told]
    [0.0, 0.0, 0.68]
    """

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        a = np.exp(logs[0] + logs[1] * mood) if refusal else np.ones(len(mood))
        b = np.exp(logs[2])
        ratio = (1 - p) * a + p * b
        slope = due - seen / ratio
        prior = logs / np.square(prior_sd)
        value = due @ ratio - seen @ np.log(ratio) + 0.5 * prior @ logs
        no = slope * (1 - p) * a * refusal
        return float(value), np.array([no.sum(), no @ mood, slope @ (p * b)]) + prior

    logs = minimize(loss, np.zeros(3), jac=True, method="L-BFGS-B", bounds=[(-MOST, MOST)] * 3).x
    level, slope, accepted = (round(float(log), 6) for log in logs)
    return level, slope, accepted


def _first(
    months: Months, rows: np.ndarray, part: Part, exposure: np.ndarray
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By span: (n,) whether it happened first then, and (n,) months watched, weighed by exposure: from the snapshot
    after the proposal on, until it happens, somebody asks again, or the data end."""
    account, month = months.account[rows], months.month[rows]
    last = months.is_active.shape[1] - 1
    moved = months.changes(part)
    alive = np.ones(len(rows), dtype=bool)
    found = {}
    for span, (start, end) in SPANS.items():
        watched, happened = np.zeros(len(rows)), np.zeros(len(rows))
        for k in range(start, end):
            at = np.minimum(month + k, last - 1)
            alive &= (month + k < last) & months.is_active[account, at] & ~months.is_asked_now[account, at]
            watched += alive * exposure[:, k]
            now = alive & moved[account, at]
            happened += now
            alive &= ~now
        found[span] = happened, watched
    return found
