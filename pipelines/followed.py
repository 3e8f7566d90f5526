"""The company's own tables as they lie there today: what its accounts pay, and what was put to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from data import labels, terms
from data.catalog import Catalog
from data.contract import ACCOUNTS, PROPOSALS, RAW_TABLES, SUBSCRIPTIONS, USAGE
from data.errors import BadInput
from data.known import calendar, known_alone
from data.parsing import name as quoted
from data.parsing import parsed
from data.sources import Sources, connect, read_sources
from data.validation import check, stop_unless_good
from pipelines import lake, paths
from pipelines.params import Label, Params

NEEDED = (ACCOUNTS.name, SUBSCRIPTIONS.name, PROPOSALS.name)
LOG = ["account_id", "offer_id", "proposed_at", "outcome"]


@dataclass(frozen=True)
class Followed:
    """Tables of an engine. proposals: of the company's own log, with the outcomes that were known on the day.

    reach: the day of asking, or the one to which the tables reach, where they end earlier: what no table tells yet is
    no churn and no missing upgrade. Use is what comes every day, so its newest day says how far.
    """

    engine: BaseBackend
    subscriptions: ir.Table
    proposals: pd.DataFrame
    reach: date
    catalog: Catalog

    @classmethod
    def read(cls, params: Params, catalog: Catalog, as_of: date) -> "Followed":
        """Check these tables alone, not the large ones. Raises BadInput where they can't be used."""
        connection, engine = connect(), lake.connect()
        folder = Path(params.ingest.folder)
        there = read_sources(Sources.load(paths.SOURCES), folder=folder, connection=connection)
        checked = check({t: there[t] for t in NEEDED if t in there}, catalog, params.validate_, connection)
        stop_unless_good(checked.report)
        tables = {}
        for name, query in checked.clean.items():
            schema = RAW_TABLES[name].arrow_schema()
            rows = connection.sql(query).to_arrow_table().select(schema.names).cast(schema)
            tables[name] = engine.create_table(name, rows, schema=ibis.Schema.from_pyarrow(schema))
        use = there[USAGE.name]
        day = parsed(quoted(USAGE.stamp), use.types[USAGE.stamp], "date")
        newest = connection.execute(
            f"SELECT max(day) FROM (SELECT {day} AS day FROM {quoted(use.view)}) WHERE day < ?",  # noqa: S608  our own names
            [as_of],
        ).fetchone()
        connection.close()
        if newest is None or newest[0] is None:
            raise BadInput(f"--as-of {as_of}: no use is known before that day; ask of a later one.")
        reach = min(as_of, newest[0] + timedelta(days=1))
        log = pd.DataFrame({name: pd.Series(dtype="object") for name in LOG})
        log["proposed_at"] = pd.to_datetime(log["proposed_at"])
        if PROPOSALS.name in tables:
            told = known_alone({PROPOSALS.name: tables[PROPOSALS.name]}, as_of)[PROPOSALS.name]
            log = lake.frame(told.select(LOG), engine)
        return cls(engine, tables[SUBSCRIPTIONS.name], log[log["offer_id"] != "none"], reach, catalog)

    def expansions(self, as_ofs: Sequence[date], label: Label) -> pd.DataFrame:
        """One row per (account_id, as_of) that was active: `is_expansion`, `added_mrr` (money a month)."""
        if not as_ofs:
            columns = {"is_expansion": "object", "added_mrr": "float64", "account_id": "str", "as_of": "datetime64[us]"}
            return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
        found = labels.expansion(
            self.subscriptions,
            self.catalog,
            calendar(as_ofs),
            horizon_days=label.horizon_days,
            min_growth=label.min_growth,
        )
        return lake.frame(found, self.engine)

    def terms(self, day: date) -> pd.DataFrame:
        """One row per account active on the day: account_id, mrr, plan_tier."""
        found = terms.state(self.subscriptions, self.catalog, calendar([day]))
        return lake.frame(found.select("account_id", "mrr", "plan_tier"), self.engine).sort_values("account_id")
