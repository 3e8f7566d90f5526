"""What happened with the week's accounts, as it was known by then.

What was proposed and answered, what changed in their terms, on which lists they stood; and how their MRR and the use
that matters most went.

Read of what the company has: without proposals or meters there are simply none.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from data import term_changes
from data.catalog import Catalog
from data.known import calendar, known_within
from data.sums import exact_sum
from data.terms import state
from delivery.history import EVENTS, LINES, MRR, USE, Past
from pipelines import lake, paths
from pipelines.as_then import as_then

N_OF_EACH = 4  # of proposals, of changes of terms and of earlier lists: the newest
N_MONTHS = 12  # of MRR
N_WEEKS = 12  # of use: within what features look at, which is what a week reads
CLOSE = 0.5  # a limit at this share or more makes its metric the use that matters most


def past(
    current: pd.DataFrame, catalog: Catalog, as_of: date, *, staged_at: Path = paths.STAGED,
    lists: pd.DataFrame | None = None,
) -> Past:  # fmt: skip
    """Of the accounts in `current`. lists: what earlier lists said of them (ledger.lists_before), None where there are
    none."""
    engine = lake.connect()
    staged = lake.staged(engine, staged_at)
    ids = set(current["account_id"])
    events = [*_proposed(staged, engine, as_of), _changed(staged, engine, catalog, as_of)]
    events += [] if lists is None else [_listed(lists)]
    newest = [_newest(rows[rows["account_id"].isin(ids)]) for rows in events]
    lines = [_mrr(staged, engine, catalog, as_of), *_use(staged, engine, current, catalog, as_of)]
    told = pd.concat(lines, ignore_index=True)
    told = told[told["account_id"].isin(ids)]
    return Past(
        pd.concat(newest, ignore_index=True).reindex(columns=list(EVENTS)),
        told.sort_values(["account_id", "line", "ago"], ascending=[True, True, False], ignore_index=True)[list(LINES)],
    )


def _proposed(staged: Mapping[str, ir.Table], engine: BaseBackend, as_of: date) -> list[pd.DataFrame]:
    """What was put to the accounts; what was withheld on purpose is no part of their story."""
    if "proposals" not in staged:
        return []
    table = staged["proposals"]
    rows = lake.frame(as_then("proposals", table.filter(table.offer_id != "none"), calendar([as_of])), engine)
    on, answered = (pd.to_datetime(rows[name]).dt.normalize() for name in ("proposed_at", "decided_at"))
    named = {"offer_id": "what", "outcome": "answer"}
    rows = rows.rename(columns=named).assign(kind="proposed", on=on, after=(answered - on).dt.days)
    return [rows[["account_id", "on", "kind", "what", "channel", "discount_pct", "answer", "reason", "after"]]]


def _changed(staged: Mapping[str, ir.Table], engine: BaseBackend, catalog: Catalog, as_of: date) -> pd.DataFrame:
    rows = lake.frame(as_then("subscriptions", staged["subscriptions"], calendar([as_of])), engine)
    return term_changes.changes(rows, catalog)


def _listed(lists: pd.DataFrame) -> pd.DataFrame:
    named = {"as_of": "on", "offer_id": "what", "rank": "after"}
    rows = lists.rename(columns=named).assign(kind=lists["assignment"].map({"contact": "listed", "nurture": "helped"}))
    return rows.drop(columns="assignment").assign(on=pd.to_datetime(rows["on"]))


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each account the rows of its newest N_OF_EACH days; what fell on one day stays together."""
    day = rows.groupby("account_id")["on"].rank(method="dense", ascending=False)
    order = ["account_id", "on", "kind", "what"]
    return rows[day <= N_OF_EACH].astype({"on": "datetime64[us]"}).sort_values(order, kind="stable")


def _mrr(staged: Mapping[str, ir.Table], engine: BaseBackend, catalog: Catalog, as_of: date) -> pd.DataFrame:
    """One row per (account_id, ago): MRR as of `ago` months before the day, where any plan ran."""
    days = [(pd.Timestamp(as_of) - pd.DateOffset(months=ago)).date() for ago in range(N_MONTHS + 1)]
    rows = lake.frame(state(staged["subscriptions"], catalog, calendar(days)), engine)
    ago = pd.to_datetime(rows["as_of"]).map({pd.Timestamp(day): i for i, day in enumerate(days)})
    return rows.assign(line=MRR, ago=ago.astype("int64"), value=rows["mrr"].astype("float64"))[list(LINES)]


def _use(
    staged: Mapping[str, ir.Table], engine: BaseBackend, current: pd.DataFrame, catalog: Catalog, as_of: date
) -> list[pd.DataFrame]:
    """One row per (account_id, ago): by week, 0 the newest, the metric whose limit is closest; events of use where none
    is close. A week without use is one, since the account's first day."""
    day = calendar([as_of])
    closest = _closest(current, catalog) if "meters" in staged else current["account_id"].iloc[:0].to_frame("line")
    usage = known_within(staged["usage"], day, day="used_on", days=7 * N_WEEKS)
    usage = usage.filter(usage.kind == "used")
    events = usage.group_by("account_id", ago=(usage.age_days - 1) // 7).aggregate(value=usage.n_events.sum())
    rest = current[~current["account_id"].isin(closest.index)]
    found = [_whole(lake.frame(events, engine), rest)]
    for metric in catalog.metrics:
        mine = closest.index[closest["line"] == metric.id]
        if not len(mine):
            continue
        rows = known_within(staged["meters"], day, day="measured_on", days=7 * N_WEEKS)
        rows = rows.filter(rows.metric == metric.id)
        of_week = rows.value.max() if metric.kind == "gauge" else exact_sum(rows.value)
        by_week = rows.group_by("account_id", ago=(rows.age_days - 1) // 7).aggregate(value=of_week)
        seen = lake.frame(by_week, engine)
        found.append(seen[seen["account_id"].isin(mine)].assign(line=metric.id))
    return [rows.astype({"ago": "int64", "value": "float64"})[list(LINES)] for rows in found]


def _closest(current: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """By account_id `line`, the metric nearest to its limit, of those at CLOSE or beyond."""
    shares = {m.id: f"limit_{m.id}_peak_28d" for m in catalog.metrics if f"limit_{m.id}_peak_28d" in current}
    table = current.set_index("account_id")[list(shares.values())].astype("float64").set_axis(list(shares), axis=1)
    close = table[table.max(axis=1) >= CLOSE]
    return pd.DataFrame({"line": close.idxmax(axis=1) if len(close) else pd.Series(dtype=object)}, index=close.index)


def _whole(events: pd.DataFrame, accounts: pd.DataFrame) -> pd.DataFrame:
    """The weeks of use of those accounts, those without any as 0, none before the account's first day."""
    every = accounts[["account_id", "tenure_days"]].merge(pd.DataFrame({"ago": range(N_WEEKS)}), how="cross")
    every = every[7 * every["ago"] < every["tenure_days"].fillna(7 * N_WEEKS)]
    rows = every.merge(events, on=["account_id", "ago"], how="left")
    return rows.assign(line=USE, value=rows["value"].astype("float64").fillna(0.0))
