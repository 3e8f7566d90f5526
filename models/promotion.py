"""May a new model take the champion's place? Both are scored on the same rows, which neither has learnt from.

Which rows are those? A row shows what came within a horizon *after* its day, and a model has learnt from every outcome
up to the day in its facts, `learnt_until`. So only rows of that day or later are new to it, and only rows new to both
compare them. The block that tests one model may be what the other was trained on: a champion of last month's run with
one test snapshot fewer, or one trained for a later week. Such rows are left out; where none remain, nothing is compared
and the champion stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.errors import BadInput
from models import evaluation, money
from models.blocks import target
from models.bootstrap import Measured
from models.propensity import Propensity
from models.settings import Evaluation, Gate

LEARNT_UNTIL, LABEL = "learnt_until", "label"


@dataclass(frozen=True)
class Compared:
    """One figure of both models, the paired difference (challenger less champion), and whether the gate bears it."""

    challenger: float
    champion: float
    difference: Measured
    allowed: float  # what the challenger may be worse by
    is_worse: bool

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**vars(self), "difference": self.difference.to_json()}


@dataclass(frozen=True)
class Decision:
    """Whether the challenger becomes champion, why in a sentence, and the figures behind it."""

    is_promoted: bool
    reason: str
    compared: Mapping[str, Compared] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)  # how many, of how many accounts, from and to which snapshot

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        compared = {name: figure.to_json() for name, figure in self.compared.items()}
        return {"is_promoted": self.is_promoted, "reason": self.reason, "rows": dict(self.rows), "compared": compared}


def learnt(periods: pd.Series[Any], *, horizon_days: int, min_growth: float) -> dict[str, Any]:
    """Facts for a model that learnt from rows of these snapshots: until when it knows outcomes, and of what.

    >>> learnt(pd.Series(pd.to_datetime(["2026-01-01", "2026-02-01"])), horizon_days=90, min_growth=0.1)
    {'learnt_until': '2026-05-02', 'label': {'horizon_days': 90, 'min_growth': 0.1}}
    """
    until = periods.max() + pd.Timedelta(days=horizon_days)
    return {LEARNT_UNTIL: f"{until:%Y-%m-%d}", LABEL: {"horizon_days": horizon_days, "min_growth": min_growth}}


def judge(
    challenger: Propensity,
    champion: Propensity,
    X: pd.DataFrame,
    y: pd.Series[Any],
    *,
    groups: pd.Series[Any],
    periods: pd.Series[Any],
    added_mrr: pd.Series[Any] | None,
    label: Mapping[str, Any],
    settings: Evaluation,
    gate: Gate,
    seed: int,
) -> Decision:
    """Compare two models on those of these rows that are new to both.

    One row of `X` per row of `y`, `groups` (the account), `periods` (the snapshot) and `added_mrr` (what the expansion
    brought a month; without it, money is not compared); `label` is what `y` means, in the words of `learnt`. A champion
    that cannot score the rows gives way, as it could not deliver a list either. Raises BadInput where the challenger
    cannot score them.
    """
    models = {"the new model": challenger, "the champion": champion}
    for name, model in models.items():
        if not {LEARNT_UNTIL, LABEL} <= set(model.facts):
            return _stays(f"{name} does not say until when it learnt, so no row is known to be new to it")
        if model.facts[LABEL] != dict(label):
            return _stays(
                f"{name} predicts {_meaning(model.facts[LABEL])}, these rows tell of {_meaning(label)}, and figures of "
                "different questions are not to be compared"
            )
    ours = challenger.probability(X)
    try:
        theirs = champion.probability(X)
    except BadInput as error:
        return Decision(True, f"promoted: the champion cannot score these rows: {str(error).rstrip('.')}")
    until = {name: date.fromisoformat(model.facts[LEARNT_UNTIL]) for name, model in models.items()}
    is_new = (periods >= pd.Timestamp(max(until.values()))).to_numpy()
    if not is_new.any():
        told = " and ".join(f"{name} learnt until {day}" for name, day in until.items())
        last = f"the last snapshot that judges is of {periods.max():%Y-%m-%d}" if len(periods) else "there are none"
        return _stays(f"no row is new to both: {told}; {last}")
    return decide(
        y[is_new],
        ours[is_new],
        theirs[is_new],
        settings=settings,
        gate=gate,
        seed=seed,
        groups=groups[is_new],
        periods=periods[is_new],
        added_mrr=None if added_mrr is None else added_mrr[is_new],
    )


def decide(
    y: pd.Series[Any],
    challenger: np.ndarray,
    champion: np.ndarray,
    *,
    settings: Evaluation,
    gate: Gate,
    seed: int,
    groups: pd.Series[Any],
    periods: pd.Series[Any],
    added_mrr: pd.Series[Any] | None = None,
) -> Decision:
    """Promote the challenger unless it is worse than `gate` bears, on these rows.

    Figures come from bootstrap samples of whole accounts, the same samples for both models, so that what moves both
    alike cancels out of the difference. Log loss decides by the figure itself; calibration error and money only where
    the interval rules chance out, since between equal models they differ by far more than log loss does.

    >>> y = pd.Series([0, 0, 0, 1] * 20)
    >>> same = {"settings": Evaluation(), "gate": Gate(), "seed": 0, "groups": pd.Series(range(80)),
    ...         "periods": pd.Series([pd.Timestamp("2026-01-01")] * 80)}
    >>> good, poor = 0.1 + 0.6 * y.to_numpy(), np.full(80, 0.25)
    >>> decide(y, poor, good, **same).is_promoted, decide(y, good, good, **same).is_promoted
    (False, True)
    """
    found = evaluation.compare(
        y,
        {"challenger": challenger, "champion": champion},
        settings=settings,
        seed=seed,
        groups=groups,
        periods=periods,
    )
    if not found.has_both_classes:
        return _stays(f"the {found.n_rows} rows that are new to both have one class only, so nothing can be compared")
    compared = {
        "log loss": _compared(found, "log_loss", gate.max_log_loss_increase, is_sure=True),
        "calibration error": _compared(found, "calibration_error", gate.max_calibration_error_increase),
    }
    if added_mrr is not None and added_mrr.sum() > 0:
        compared["money"] = _money(
            added_mrr.to_numpy(dtype="float64"), challenger, champion, settings, gate, seed, groups, periods
        )
    days = periods.min(), periods.max()
    rows = {
        "n_rows": found.n_rows,
        "n_accounts": found.n_groups,
        "n_expansions": int(target(y).sum()),
        "first_as_of": f"{days[0]:%Y-%m-%d}",
        "last_as_of": f"{days[1]:%Y-%m-%d}",
    }
    figures = "; ".join(_said(name, figure, settings) for name, figure in compared.items())
    where = (
        f"on the same {found.n_rows} rows of {found.n_groups} accounts ({rows['first_as_of']} to {rows['last_as_of']})"
    )
    worse = [name for name, figure in compared.items() if figure.is_worse]
    if worse:
        return Decision(
            False, f"the champion stays: {figures}; {where}; too much in {', '.join(worse)}", compared, rows
        )
    return Decision(True, f"promoted, not worse than the champion: {figures}; {where}", compared, rows)


def _compared(found: evaluation.Comparison, metric: str, allowed: float, *, is_sure: bool = False) -> Compared:
    """Of a metric where less is better."""
    ours, theirs = (found.metrics[name][metric].value or 0.0 for name in ("challenger", "champion"))
    difference = found.differences["champion"][metric]
    is_worse = (difference.value or 0.0) > allowed and (is_sure or (difference.low or 0.0) > 0)
    return Compared(ours, theirs, difference, allowed, is_worse)


def _money(
    added: np.ndarray,
    challenger: np.ndarray,
    champion: np.ndarray,
    settings: Evaluation,
    gate: Gate,
    seed: int,
    groups: pd.Series[Any],
    periods: pd.Series[Any],
) -> Compared:
    """Expansion MRR among the first `settings.capacity` accounts of a snapshot, where more is better."""
    same: dict[str, Any] = {"settings": settings, "seed": seed, "groups": groups, "periods": periods}
    ours, theirs = (money.money_at_capacity(added, p, **same)["captured"].value or 0.0 for p in (challenger, champion))
    lead = money.money_lead(added, challenger, champion, **same)
    allowed = gate.max_money_loss * theirs
    return Compared(ours, theirs, lead, allowed, (lead.value or 0.0) < -allowed and (lead.high or 0.0) < 0)


def _said(name: str, figure: Compared, settings: Evaluation) -> str:
    form, shown = (",.0f", f"expansion MRR among the first {settings.capacity}") if name == "money" else (".5f", name)
    d = figure.difference
    value, low, high = (format(v, "+" + form) for v in (d.value, d.low, d.high))
    return (
        f"{shown} {format(figure.challenger, form)} against {format(figure.champion, form)} "
        f"(difference {value}, {settings.interval:.0%} interval {low} to {high})"
    )


def _meaning(label: Mapping[str, Any]) -> str:
    return f"growth of {label['min_growth']:.0%} within {label['horizon_days']} days"


def _stays(why: str) -> Decision:
    return Decision(False, f"the champion stays: {why}")
