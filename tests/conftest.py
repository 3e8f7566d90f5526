"""A tiny company for tests: random rows of every table, dense around the days that matter."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from data.catalog import Catalog
from data.contract import RAW_TABLES
from tests.processes import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401  pytest's hooks

AS_OF = date(2026, 6, 1)
N_ACCOUNTS = 6
settings.register_profile("any machine", deadline=None)  # how long an example takes says nothing of the code
settings.load_profile("any machine")
PLANS = ["free", "starter", "pro", "enterprise"]


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The project's own catalogue."""
    return Catalog.load(Path(__file__).parents[1] / "catalog.yaml")


@pytest.fixture(scope="session")
def tiny_company(catalog: Catalog) -> Callable[[int], dict[str, pd.DataFrame]]:
    """A seed's company: the ten tables as staging leaves them, around AS_OF, before and after it."""
    return lambda seed: company(seed, catalog)


@pytest.fixture
def engine() -> ibis.BaseBackend:
    """DuckDB as the pipeline uses it."""
    connected = ibis.duckdb.connect(threads=1)
    connected.raw_sql("SET TimeZone = 'UTC'")
    return connected


@pytest.fixture
def on_engine(engine: ibis.BaseBackend) -> Callable[[dict[str, pd.DataFrame]], dict[str, ir.Table]]:
    """Put tables into the engine with the contract's types."""

    def put(tables: dict[str, pd.DataFrame]) -> dict[str, ir.Table]:
        found = {}
        for name, frame in tables.items():
            schema = ibis.Schema.from_pyarrow(RAW_TABLES[name].arrow_schema())
            found[name] = engine.create_table(ibis.util.gen_name(name), to_arrow(name, frame), schema=schema)
        return found

    return put


def to_arrow(name: str, frame: pd.DataFrame) -> object:
    import pyarrow as pa

    schema = RAW_TABLES[name].arrow_schema()
    arrays = []
    for field in schema:
        values = frame[field.name]
        if pa.types.is_date(field.type):
            values = [None if pd.isna(v) else pd.Timestamp(v).date() for v in values]
        else:
            values = [None if pd.isna(v) else v for v in values.astype(object)]
        arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def company(seed: int, catalog: Catalog) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    as_of = pd.Timestamp(AS_OF)
    ids = [f"A-{i}" for i in range(N_ACCOUNTS)]
    features = [f.id for f in catalog.features]

    def days(n: int, back: int = 200, ahead: int = 40) -> pd.DatetimeIndex:
        return as_of + pd.to_timedelta(rng.integers(-back, ahead, n), unit="D")

    def moments(n: int) -> pd.DatetimeIndex:
        return days(n) + pd.to_timedelta(rng.integers(0, 86_400, n), unit="s")

    def some(n: int) -> np.ndarray:
        return rng.choice(ids, n)

    signed = as_of - pd.to_timedelta(rng.integers(1, 900, N_ACCOUNTS), unit="D")
    accounts = pd.DataFrame(
        {
            "account_id": ids,
            "account_name": [f"Company {i}" for i in ids],
            "industry": rng.choice(["retail", "health", None], N_ACCOUNTS),
            "employee_count": rng.integers(5, 500, N_ACCOUNTS),
            "region": rng.choice(["EMEA", "JP"], N_ACCOUNTS),
            "signed_up_on": signed,
            "owner_id": rng.choice(["CSM-1", None], N_ACCOUNTS),
            "csm_sentiment": rng.choice(["green", "yellow", "red", None], N_ACCOUNTS),
            "has_opted_in": rng.choice([True, False, None], N_ACCOUNTS),
            "do_not_contact_until": pd.NaT,
            "known_on": signed,
        }
    )
    rows = []
    for account, start in zip(ids, signed, strict=True):
        day, plan = start, int(rng.integers(0, 4))
        while True:
            end = day + pd.Timedelta(days=int(rng.integers(20, 300)))
            is_last = end > as_of + pd.Timedelta(days=200) or rng.random() < 0.2
            seats = int(rng.integers(1, 60))
            rows.append((account, PLANS[plan], seats, day, pd.NaT if is_last else end))
            if rng.random() < 0.4:
                rows.append((account, "analytics", 1, day, pd.NaT if is_last else end))
            if is_last:
                break
            day, plan = end, int(np.clip(plan + rng.integers(-1, 2), 0, 3))
    n = len(rows)
    subscriptions = pd.DataFrame(rows, columns=["account_id", "product_id", "quantity", "valid_from_on", "valid_to_on"])
    subscriptions = subscriptions.assign(
        subscription_id=[f"S-{i}" for i in range(n)],
        mrr=rng.integers(0, 500, n).astype(float),
        discount_pct=rng.choice([0.0, 10.0], n),
        billing=rng.choice(["monthly", "annual"], n),
        renews_on=subscriptions["valid_from_on"] + pd.Timedelta(days=365),
        ended_reason=None,
        known_on=subscriptions["valid_from_on"],
    )
    n = 400
    usage = pd.DataFrame(
        {
            "account_id": some(n),
            "used_on": days(n, back=100),
            "feature": rng.choice(features, n),
            "kind": rng.choice(["used", "used", "gated", "trial"], n),
            "n_events": rng.integers(1, 30, n),
            "n_users": rng.integers(1, 9, n),
        }
    ).drop_duplicates(["account_id", "used_on", "feature", "kind"])
    meters = pd.DataFrame(
        {
            "account_id": some(n),
            "measured_on": days(n, back=70),
            "metric": rng.choice([m.id for m in catalog.metrics], n),
            "value": rng.integers(0, 300, n).astype(float),
        }
    ).drop_duplicates(["account_id", "measured_on", "metric"])
    n = 40
    opened = moments(n)
    closed = opened + pd.to_timedelta(rng.integers(1, 40, n), unit="D")
    tickets = pd.DataFrame(
        {
            "ticket_id": [f"T-{i}" for i in range(n)],
            "account_id": some(n),
            "opened_at": opened,
            "closed_at": [c if rng.random() < 0.8 else pd.NaT for c in closed],
            "severity": rng.choice(["low", "normal", "high", "urgent"], n),
            "category": rng.choice(["bug", "how_to", "feature_request", "billing"], n),
            "csat": rng.choice([1, 3, 5, None], n),
        }
    )
    surveys = pd.DataFrame({"account_id": some(n), "answered_at": moments(n), "nps": rng.integers(0, 11, n)})
    touchpoints = pd.DataFrame(
        {
            "account_id": some(n),
            "held_at": moments(n),
            "kind": rng.choice(["onboarding", "training", "check_in", "business_review", "demo"], n),
            "n_attendees": rng.integers(1, 9, n),
            "has_executive": rng.random(n) < 0.3,
        }
    )
    life_events = pd.DataFrame(
        {
            "account_id": some(n),
            "happened_on": days(n),
            "kind": rng.choice(["funding", "merger", "new_office", "hiring", "reorganisation"], n),
        }
    )
    proposed = moments(n)
    outcome = rng.choice(["accepted", "declined", "no_response", "open"], n)
    decided = proposed + pd.to_timedelta(rng.integers(1, 40, n), unit="D")
    proposals = pd.DataFrame(
        {
            "proposal_id": [f"P-{i}" for i in range(n)],
            "account_id": some(n),
            "offer_id": rng.choice([*(o.id for o in catalog.offers), "none"], n),
            "proposed_at": proposed,
            "channel": "csm",
            "discount_pct": 0.0,
            "pscore": None,
            "outcome": outcome,
            "decided_at": [
                d if o in ("accepted", "declined") else pd.NaT for d, o in zip(decided, outcome, strict=True)
            ],
            "reason": [("price" if o == "declined" else None) for o in outcome],
        }
    )
    field = rng.choice(["csm_sentiment", "employee_count", "owner_id", "has_opted_in"], n)
    values = {"csm_sentiment": "red", "employee_count": "77", "owner_id": "CSM-2", "has_opted_in": "true"}
    account_changes = pd.DataFrame(
        {"account_id": some(n), "changed_at": moments(n), "field": field, "value": [values[f] for f in field]}
    )
    tables = {
        "accounts": accounts,
        "subscriptions": subscriptions,
        "usage": usage,
        "meters": meters,
        "tickets": tickets,
        "surveys": surveys,
        "touchpoints": touchpoints,
        "life_events": life_events,
        "proposals": proposals,
        "account_changes": account_changes,
    }
    for name, table in tables.items():
        if "known_on" not in table:
            tables[name] = table.assign(known_on=table[RAW_TABLES[name].stamp].dt.normalize())
    return tables
