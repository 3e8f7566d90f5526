"""The raw tables as they were known on a day: what was stamped before it, and nothing that came later.

Read with pyarrow alone, so that nothing of the pipeline stands between a row of the company and a figure by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

COMPANY = Path("data/lake/company")  # of a run
PLAIN = ("accounts", "subscriptions", "tickets", "surveys", "touchpoints", "life_events", "proposals")
STAMP = {
    "accounts": "signed_up_on", "subscriptions": "valid_from_on", "tickets": "opened_at", "surveys": "answered_at",
    "touchpoints": "held_at", "life_events": "happened_on", "proposals": "proposed_at",
    "account_changes": "changed_at", "usage": "used_on", "meters": "measured_on",
}  # fmt: skip


@dataclass(frozen=True)
class Raw:
    """Every table by its name in the contract, rows stamped before `day` only.

    `usage` holds the last 90 days and `meters` the last 62; `first_used` has one row per account × feature that was
    ever used, with the first `used_on`. Dates are midnights. `catalog` and `settings` are catalog.yaml and params.yaml.
    """

    day: pd.Timestamp
    catalog: dict[str, Any]
    settings: dict[str, Any]
    tables: dict[str, pd.DataFrame]

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    def days(self, n: int) -> pd.Timestamp:
        """The midnight `n` days before: windows are [day - n, day)."""
        return self.day - pd.Timedelta(days=n)

    def within(self, table: str, n: int) -> pd.DataFrame:
        """The rows of a table that are stamped in the last `n` days."""
        rows = self[table]
        return rows[rows[STAMP[table]] >= self.days(n)]


def known(run: Path, day: pd.Timestamp) -> Raw:
    """What was known on `day`; an answer or a closing that had not come by then reads as null or `open`.

    run: the folder where catalog.yaml, params.yaml and the simulated company's tables lie.
    """
    folder = run / COMPANY
    tables = {name: _read(folder, name, None, day) for name in (*PLAIN, "account_changes")}
    for table, stamp, hidden in (
        ("tickets", "closed_at", ["closed_at", "csat"]),
        ("proposals", "decided_at", ["decided_at", "reason"]),
    ):
        later = tables[table][stamp] >= day
        tables[table].loc[later, hidden] = None
        if table == "proposals":
            tables[table].loc[later, "outcome"] = "open"
    tables["usage"] = _read(folder, "usage", day - pd.Timedelta(days=90), day)
    tables["meters"] = _read(folder, "meters", day - pd.Timedelta(days=62), day)
    tables["first_used"] = _first_used(folder, day)
    catalog, settings = (
        yaml.safe_load((run / name).read_text(encoding="utf-8")) for name in ("catalog.yaml", "params.yaml")
    )
    return Raw(day, catalog, settings, tables)


def _read(folder: Path, table: str, first: pd.Timestamp | None, day: pd.Timestamp) -> pd.DataFrame:
    path, stamp = folder / f"{table}.parquet", STAMP[table]
    rows = pq.read_table(path)
    if pa.types.is_date(rows.schema.field(stamp).type):
        rows = rows.filter(pc.less(rows[stamp], pa.scalar(day.date())))
        if first is not None:
            rows = rows.filter(pc.greater_equal(rows[stamp], pa.scalar(first.date())))
        return rows.to_pandas(date_as_object=False)
    found = rows.to_pandas(date_as_object=False)
    return found[found[stamp] < day].reset_index(drop=True)


def _first_used(folder: Path, day: pd.Timestamp) -> pd.DataFrame:
    rows = pq.read_table(folder / "usage.parquet", columns=["account_id", "used_on", "feature", "kind"])
    rows = rows.filter(pc.and_(pc.equal(rows["kind"], "used"), pc.less(rows["used_on"], pa.scalar(day.date()))))
    found = rows.group_by(["account_id", "feature"]).aggregate([("used_on", "min")])
    return found.to_pandas(date_as_object=False).rename(columns={"used_on_min": "used_on"})
