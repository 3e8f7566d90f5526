"""What an account lacks: how a feature stands, where it would have to stand, and which of several is the nearest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog, Condition, Metric
from decisions import conditions
from features.feature import Feature

COLUMNS = (
    "unblock_feature", "unblock_now", "unblock_target", "unblock_missing", "unblock_unit", "unblock_days",
    "unblock_more", "unblock_offer_id",
)  # fmt: skip
TEXTS = ("unblock_feature", "unblock_unit", "unblock_offer_id")


@dataclass(frozen=True)
class Lack:
    """One thing that is not as it should be; one value per row of the accounts.

    fails: whether it is so. now, target: null where it is no matter of more or less. scale: what one of the feature is
    in `unit`, where that is another unit than the feature's own. days: until it passes by itself. ways: any of these is
    enough.
    """

    feature: str
    fails: pd.Series
    now: pd.Series
    target: pd.Series
    unit: str | None = None
    scale: pd.Series | None = None
    days: pd.Series | None = None
    ways: "tuple[Lack, ...]" = ()


class Spreads:
    """Standard deviations of a feature among the accounts on the same plan; among all where a plan's say nothing.

    >>> peers = pd.DataFrame({"plan_id": ["pro", "pro", "free"], "seats": [1.0, 3.0, 8.0]})
    >>> Spreads(peers).of("seats", peers).round(2).tolist()
    [1.41, 1.41, 3.61]
    """

    def __init__(self, peers: pd.DataFrame) -> None:
        self._peers = peers
        self._found: dict[str, tuple[pd.Series, float]] = {}

    def of(self, feature: str, rows: pd.DataFrame) -> pd.Series:
        """Per row of `rows`; 1 where the feature is none of the accounts', or is the same for all."""
        if feature not in self._peers or "plan_id" not in self._peers:
            return pd.Series(1.0, index=rows.index)
        if feature not in self._found:
            values = pd.to_numeric(self._peers[feature], errors="coerce").astype("float64")
            by_plan = values.groupby(self._peers["plan_id"]).std()
            overall = values.std()
            self._found[feature] = by_plan.where(by_plan > 0), float(overall) if overall > 0 else 1.0
        by_plan, overall = self._found[feature]
        return rows["plan_id"].map(by_plan).astype("float64").fillna(overall)


def empty(index: pd.Index) -> pd.DataFrame:
    """COLUMNS, all null."""
    found = pd.DataFrame(float("nan"), index=index, columns=list(COLUMNS))
    return found.assign(**{name: pd.Series(None, index=index, dtype="object") for name in TEXTS})


def lack(
    feature: str, fails: pd.Series, now: pd.Series, target: pd.Series | float, unit: str | None, **more: pd.Series
) -> Lack:
    """A lack whose target may be one number for all."""
    wanted = target if isinstance(target, pd.Series) else pd.Series(target, index=fails.index, dtype="float64")
    return Lack(feature, fails.fillna(False).astype(bool), now, wanted, unit, more.get("scale"), more.get("days"))


def of_conditions(
    wanted: Sequence[Condition], accounts: pd.DataFrame, catalog: Catalog, named: Mapping[str, Feature]
) -> list[Lack]:
    """What an account lacks of each condition of a list."""
    return [_of_condition(condition, accounts, catalog, named) for condition in wanted]


def _of_condition(condition: Condition, accounts: pd.DataFrame, catalog: Catalog, named: Mapping[str, Feature]) -> Lack:
    fails = ~conditions.holds(condition, accounts)
    unknown = pd.Series(float("nan"), index=accounts.index)
    feature = named.get(condition.when)
    if condition.equals is True and feature is not None and feature.ways:
        ways = []
        for way in feature.ways:
            applies = pd.Series(True, accounts.index) if way.plans is None else accounts["plan_id"].isin(way.plans)
            ways.append(_of_bound(way.feature, fails & applies, way.at_least, accounts, catalog, named))
        return Lack(condition.when, fails, unknown, unknown, ways=tuple(ways))
    least, most = condition.at_least, condition.at_most
    if least is None and most is None:
        return Lack(condition.when, fails, unknown, unknown)
    if least is None or most is None:
        return _of_bound(condition.when, fails, least if least is not None else most or 0.0, accounts, catalog, named)
    is_below = pd.to_numeric(accounts[condition.when]).astype("float64") < least
    between = pd.Series(np.where(is_below, least, most), index=accounts.index)
    return _of_bound(condition.when, fails, between, accounts, catalog, named)


def _of_bound(
    name: str,
    fails: pd.Series,
    bound: float | pd.Series,
    accounts: pd.DataFrame,
    catalog: Catalog,
    named: Mapping[str, Feature],
) -> Lack:
    unknown = pd.Series(float("nan"), index=accounts.index)
    now = pd.to_numeric(accounts[name]).astype("float64") if name in accounts else unknown
    if metric := next((m for m in catalog.metrics if name in _shares(m)), None):
        return lack(name, fails, now, bound, metric.id, scale=limit_of(metric, accounts, catalog))
    return lack(name, fails, now, bound, named[name].unit if name in named else None)


def _shares(metric: Metric) -> tuple[str, ...]:
    return f"limit_{metric.id}_peak_28d", f"limit_{metric.id}_latest"


def limit_of(metric: Metric, accounts: pd.DataFrame, catalog: Catalog) -> pd.Series:
    """An account's limit on a metric: its plan's, plus its add-ons'; null where there is none.

    On seats press active users: where a plan counts seats and sets them no limit of their own, the limit is the seats.
    """
    limit = pd.Series(float("nan"), index=accounts.index)
    for plan in catalog.plans:
        is_on = accounts["plan_id"] == plan.id
        own = plan.limits.get(metric.id)
        if own is not None:
            limit = limit.mask(is_on, own)
        elif metric.id == "active_users" and "seats" in plan.limits:
            limit = limit.mask(is_on, accounts["seats"].astype("float64"))
    held = accounts["add_ons"].fillna("").str.split()
    for add_on in catalog.add_ons:
        if more := add_on.limits.get(metric.id):
            limit = limit + held.map(lambda owned, it=add_on.id: it in owned).astype("float64") * more
    return limit


def nearest(lacks: Sequence[Lack], accounts: pd.DataFrame, spreads: Spreads) -> pd.DataFrame:
    """COLUMNS, per row the lack that is nearest in the peers' standard deviations; null where nothing fails.

    What is no number, or not known, is farther than all that is. `unblock_more` counts the others that fail.
    """
    found = empty(accounts.index)
    least = pd.Series(float("inf"), index=accounts.index)
    seen = pd.Series(False, index=accounts.index)
    failing = pd.Series(0, index=accounts.index)
    for one in lacks:
        failing += one.fails.astype("int64")
        for way in (one, *one.ways):
            far = ((way.now - way.target).abs() / spreads.of(way.feature, accounts)).fillna(float("inf"))
            is_nearer = way.fails & (~seen | (far < least))
            found = _with(found, way, is_nearer)
            least, seen = least.mask(is_nearer, far), seen | is_nearer
    return found.assign(unblock_more=(failing - 1).where(seen).astype("float64"))


def _with(found: pd.DataFrame, way: Lack, at: pd.Series) -> pd.DataFrame:
    missing, unit = (way.target - way.now).abs(), pd.Series(way.unit, index=found.index, dtype="object")
    if way.scale is not None:
        is_known = way.scale.notna() & missing.notna()
        missing = (missing * way.scale).round(6).apply(np.ceil).where(is_known)
        unit = unit.where(is_known, None)
    days = way.days if way.days is not None else float("nan")
    return found.assign(
        unblock_feature=found["unblock_feature"].mask(at, way.feature),
        unblock_now=found["unblock_now"].mask(at, way.now.where(way.target.notna())),
        unblock_target=found["unblock_target"].mask(at, way.target),
        unblock_missing=found["unblock_missing"].mask(at, missing),
        unblock_unit=found["unblock_unit"].mask(at, unit),
        unblock_days=found["unblock_days"].mask(at, days),
    )
