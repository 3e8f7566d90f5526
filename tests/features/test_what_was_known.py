"""A company's files read whole: corrections, zones, leap days and returns, each with the answer that a person gives.

From CSV to features, as a run goes, so that reading, staging and counting agree on which day a row belongs to.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from data.catalog import Catalog
from data.contract import RAW_TABLES
from data.known import calendar
from data.labels import expansion
from data.sources import Sources, connect, read_sources
from data.validation import Validate, check
from tests.features.wide import wide

Rows = list[dict[str, Any]]
ACCOUNT = {"account_name": "Acme", "signed_up_on": "2023-06-01", "has_opted_in": "true"}
PLAN = {
    "subscription_id": "S-1", "product_id": "pro", "quantity": 10, "mrr": 200, "discount_pct": 0,
    "billing": "monthly", "valid_from_on": "2023-06-01", "valid_to_on": "", "renews_on": "", "ended_reason": "",
}  # fmt: skip
TICKET = {"closed_at": "", "severity": "high", "category": "bug", "csat": ""}


def use(day: date | str, n_events: int = 1) -> dict[str, Any]:
    return {"used_on": str(day), "feature": "tasks", "kind": "used", "n_events": n_events, "n_users": 1}


# Each test has an account of its own in one company, whose features are built once, since what takes longest is to
# write the queries. Days on which they are asked for, and rows without their account, by the account.
DAYS: dict[str, list[str]] = {}
ROWS: dict[str, dict[str, Rows]] = {}


def account(name: str, days: list[str], **tables: Rows) -> str:
    """An account's rows, on one plan unless told, and the days that are asked for."""
    DAYS[name] = days
    ROWS[name] = {"accounts": [ACCOUNT], "subscriptions": [PLAN], "usage": [use("2023-06-02")]} | tables
    return name


def of_account(name: str, table: str, rows: Rows) -> Iterator[dict[str, Any]]:
    for row in rows:
        own = {key: f"{name} {row[key]}" for key in RAW_TABLES[table].key if key in row and key.endswith("_id")}
        yield {"account_id": name, **row, **own}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, catalog: Catalog) -> dict[str, pd.DataFrame]:
    """All accounts' tables written as CSV and staged as `ingest` stages them."""
    folder = tmp_path_factory.mktemp("source")
    for name in {table for tables in ROWS.values() for table in tables}:
        rows = [row for owner, tables in ROWS.items() for row in of_account(owner, name, tables.get(name, []))]
        nullable = [column for column, spec in RAW_TABLES[name].columns.items() if spec.nullable]
        every = [column for row in rows for column in row]
        pd.DataFrame(rows).reindex(columns=list(dict.fromkeys([*rows[0], *nullable, *every]))).to_csv(
            folder / f"{name}.csv", index=False
        )
    connection = connect()
    incoming = read_sources(Sources(), folder=folder, connection=connection)
    found = check(incoming, catalog, Validate(max_quarantined_rate=1), connection)
    clean = {name: connection.execute(query).df() for name, query in found.clean.items()}
    connection.close()
    return clean


@pytest.fixture(scope="module")
def built(staged: dict[str, pd.DataFrame], catalog: Catalog) -> pd.DataFrame:
    days = sorted({date.fromisoformat(day) for asked in DAYS.values() for day in asked})
    found = wide(staged, catalog, days)[0].reset_index()
    return found.assign(day=found["as_of"].dt.strftime("%Y-%m-%d")).set_index("day")


@pytest.fixture
def seen(built: pd.DataFrame) -> Callable[[str], pd.DataFrame]:
    """Features of an account as of its days (a row each, by ISO date): only days on which it is active have one."""
    return lambda name: built[(built["account_id"] == name) & built.index.isin(DAYS[name])]


Seen = Callable[[str], pd.DataFrame]


# --- corrections

CORRECTED = account(
    "corrected in place",
    ["2026-05-03", "2026-05-10", "2026-05-11"],
    usage=[use("2026-05-01", 4), use("2026-05-02", 100) | {"recorded_at": "2026-05-10 09:00"}],
)


def test_a_correction_in_place_is_known_from_the_day_it_was_recorded(seen: Seen) -> None:
    """The source keeps a row's last version only, and says when that was written: before, nothing is known of it."""
    assert seen(CORRECTED)["events_28d"].tolist() == [4, 4, 104]


TWO_VERSIONS = [
    account(
        f"two versions, {name}",
        ["2026-05-03", "2026-05-12"],
        usage=[use("2026-05-01", 4), use("2026-05-02", 10), use("2026-05-02", 100) | recorded],
    )
    for name, recorded in (("undated", {}), ("dated", {"recorded_at": "2026-05-10 09:00"}))
]


def test_two_versions_of_a_row_with_a_key_are_both_out(seen: Seen) -> None:
    """What the contract cannot express: `recorded_at` says when a row was known, not that it replaces another."""
    for name in TWO_VERSIONS:
        assert seen(name)["events_28d"].tolist() == [4, 4]


def size(value: int, changed_at: str, recorded_at: str = "") -> dict[str, Any]:
    return {"changed_at": changed_at, "field": "employee_count", "value": value, "recorded_at": recorded_at}


RESIZED = account(
    "resized",
    ["2026-05-01", "2026-05-02", "2026-05-10", "2026-05-11", "2026-05-13", "2026-05-20", "2026-05-21"],
    account_changes=[
        size(40, "2026-05-01 08:00"),
        size(60, "2026-05-01 08:00", "2026-05-10 12:00"),  # the same change, put right on 10 May
        size(20, "2026-04-20 08:00", "2026-05-12 12:00"),  # an older one, remembered late: not the latest state
        size(80, "2026-05-20 08:00"),
    ],
)


def test_an_attribute_is_corrected_by_a_later_change(seen: Seen) -> None:
    assert seen(RESIZED)["employee_count"].fillna(0).tolist() == [0, 40, 40, 60, 60, 60, 80]


OPENED_AGAIN = account(
    "opened again as another",
    ["2026-05-01", "2026-05-02", "2026-05-05", "2026-05-06", "2026-05-20", "2026-05-21", "2026-05-26"],
    tickets=[
        TICKET | {"ticket_id": "T-1", "opened_at": "2026-05-01 09:00", "closed_at": "2026-05-05 09:00", "csat": 2},
        TICKET | {"ticket_id": "T-1/2", "opened_at": "2026-05-20 09:00", "closed_at": "2026-05-25 09:00", "csat": 5},
    ],
)


def test_a_ticket_that_is_opened_again_as_another_is_closed_in_between(seen: Seen) -> None:
    found = seen(OPENED_AGAIN)
    assert found["open_serious_tickets"].tolist() == [0, 1, 1, 0, 0, 1, 0]
    assert found["csat_180d"].fillna(0).tolist() == [0, 0, 0, 2, 2, 2, 3.5]


NEVER_CLOSED = account(
    "opened again under its id",
    ["2026-05-02", "2026-05-10", "2026-05-25", "2026-05-26"],
    tickets=[TICKET | {"ticket_id": "T-1", "opened_at": "2026-05-01 09:00", "closed_at": "2026-05-25 09:00"}],
)


def test_a_ticket_that_is_opened_again_under_its_id_was_never_closed(seen: Seen) -> None:
    """What the contract cannot express: a row has one `closed_at`, and an end that was taken back leaves no trace."""
    assert seen(NEVER_CLOSED)["open_serious_tickets"].tolist() == [1, 1, 1, 0]


def answer(nps: int, answered_at: str, recorded_at: str = "") -> dict[str, Any]:
    return {"answered_at": answered_at, "nps": nps, "recorded_at": recorded_at}


ANSWERED = account(
    "answered twice",
    ["2026-05-01", "2026-05-02", "2026-05-11", "2026-05-20", "2026-05-21"],
    surveys=[
        answer(3, "2026-05-01 10:00"),
        answer(9, "2026-05-01 17:00"),  # the same day, with second thoughts
        answer(6, "2026-05-10 10:00"),
        answer(10, "2026-05-10 10:00", "2026-05-20 10:00"),  # mistyped on the 10th, put right on the 20th
    ],
)


def test_a_survey_answered_twice(seen: Seen) -> None:
    found = seen(ANSWERED)
    assert found["nps_latest"].fillna(-1).tolist() == [-1, 9, 6, 6, 10]
    assert found["nps_change"].fillna(0).tolist() == [0, 6, -3, -3, 4]


MEETING = {"held_at": "2026-05-01 10:00", "kind": "check_in", "has_executive": "false"}
MET = account(
    "a meeting recorded again",
    ["2026-05-02", "2026-05-11"],
    touchpoints=[MEETING | {"n_attendees": 2}, MEETING | {"n_attendees": 4, "recorded_at": "2026-05-10 10:00"}],
)


def test_what_has_no_key_and_is_recorded_again_with_other_contents_is_another(seen: Seen) -> None:
    """What the contract cannot express: nothing says that the second meeting is the first, corrected."""
    assert seen(MET)["touchpoints_90d"].tolist() == [1, 2]


# --- zones

NEAR_MIDNIGHT = account(
    "tickets near midnight",
    ["2026-06-01", "2026-06-02"],
    tickets=[
        TICKET | {"ticket_id": "T-1", "opened_at": "2026-05-31T23:30-05:00"},
        TICKET | {"ticket_id": "T-2", "opened_at": "2026-06-01T00:30+02:00", "severity": "low"},
        TICKET | {"ticket_id": "T-3", "opened_at": "2026-05-01T09:00Z", "closed_at": "2026-05-31T23:30-05:00"},
    ],
)


def test_the_utc_day_of_a_moment_decides_when_it_is_known(seen: Seen) -> None:
    """Half past eleven at night in Chicago is 1 June in UTC; half past midnight in Berlin is still 31 May."""
    found = seen(NEAR_MIDNIGHT)
    assert found["open_serious_tickets"].tolist() == [1, 1]  # T-3, whose end is not yet known; then T-1
    assert found["open_tickets"].tolist() == [2, 2]  # T-2 beside it, on both days
    assert found["tickets_90d"].tolist() == [2, 3]


RECORDED_NEAR_MIDNIGHT = account(
    "recorded near midnight",
    ["2026-06-01", "2026-06-02"],
    usage=[
        use("2026-05-20", 4) | {"recorded_at": "2026-05-31T23:30-05:00"},
        use("2026-05-21", 100) | {"recorded_at": "2026-06-01T00:30+02:00"},
    ],
)


def test_a_recording_is_of_its_utc_day_too(seen: Seen) -> None:
    assert seen(RECORDED_NEAR_MIDNIGHT)["events_28d"].tolist() == [100, 104]


# --- leap days


def around_february(year: int) -> list[date]:
    days = [date(year, 2, 28), date(year, 3, 1), date(year, 3, 2), date(year, 3, 29), date(year, 5, 29)]
    return sorted([*days, date(year, 2, 29)] if year % 4 == 0 else days)


def daily(year: int) -> dict[date, int]:
    first = date(year, 3, 1) - timedelta(days=150)
    return {first + timedelta(days=i): 1000 + i * i for i in range(240)}


FEBRUARY = {
    year: account(
        f"February {year}",
        [str(day) for day in around_february(year)],
        usage=[use(day, n) for day, n in daily(year).items()],
    )
    for year in (2024, 2025)
}


@pytest.mark.parametrize("year", [2024, 2025])
def test_windows_over_the_end_of_february_hold_their_days(year: int, seen: Seen) -> None:
    """Every day's use is told apart by its number: a window's sum is that of exactly its days, leap day or not."""
    n_of, found = daily(year), seen(FEBRUARY[year])
    for as_of in around_february(year):
        row = found.loc[str(as_of)]
        for days in (7, 28, 90):
            window = [as_of - timedelta(days=age) for age in range(1, days + 1)]
            assert row[f"events_{days}d"] == sum(n_of[day] for day in window), (as_of, days)
        assert row["active_days_28d"] == 28
        assert row["tenure_days"] == (as_of - date(2023, 6, 1)).days
    assert found.loc[f"{year}-03-01", "tenure_days"] == {2024: 274, 2025: 639}[year]


LEAP_DAY = account(
    "used on 29 February", ["2024-02-29", "2024-03-01", "2024-03-28", "2024-03-29"], usage=[use("2024-02-29", 7)]
)


def test_a_row_of_29_february_is_known_on_1_march(seen: Seen) -> None:
    assert seen(LEAP_DAY)["events_28d"].tolist() == [0, 7, 7, 0]


# --- who signs up, leaves and returns

RETURNED = account(
    "left and returned",
    # signed up and not yet known; active; its last day; gone; back and not yet known; back
    ["2025-01-10", "2025-01-11", "2025-06-01", "2025-06-02", "2025-10-01", "2025-10-02"],
    accounts=[ACCOUNT | {"signed_up_on": "2025-01-10"}],
    subscriptions=[
        PLAN | {"valid_from_on": "2025-01-10", "valid_to_on": "2025-06-01", "ended_reason": "price"},
        PLAN | {"subscription_id": "S-2", "product_id": "starter", "mrr": 50, "valid_from_on": "2025-10-01"},
    ],
    usage=[use("2025-01-10"), use("2025-05-31", 30), use("2025-07-15", 500), use("2025-10-01", 8)],
)


def terms(i: int, start: str, end: str | None, **given: object) -> dict[str, object]:
    return PLAN | {"subscription_id": f"S-{i}", "valid_from_on": start, "valid_to_on": end} | given


REPRICED = account(
    "paid by a new list",
    ["2025-05-31", "2025-06-11", "2025-09-11", "2025-10-11", "2025-12-11"],
    accounts=[ACCOUNT | {"signed_up_on": "2025-01-10"}],
    subscriptions=[
        terms(1, "2025-01-10", "2025-06-01", quantity=10, mrr=100),
        terms(2, "2025-06-01", "2025-09-01", quantity=10, mrr=107),  # a new price list
        terms(3, "2025-09-01", "2025-10-01", quantity=12, mrr=128.4),  # more seats
        terms(4, "2025-10-01", "2025-11-01", quantity=12, mrr=120, billing="annual"),
        terms(5, "2025-12-01", None, quantity=12, mrr=120, billing="annual"),  # back after a month
    ],
)


def test_a_new_price_alone_is_no_change_of_terms(seen: Seen) -> None:
    found = seen(REPRICED)
    assert found["days_since_term_change"].tolist() == [141, 152, 10, 10, 10]
    assert found["term_changes_365d"].tolist() == [0, 0, 1, 2, 3]
    assert found["mrr"].tolist()[:3] == [100, 107, 128.4]


def test_an_account_that_leaves_and_returns(
    seen: Seen, staged: dict[str, pd.DataFrame], on_engine: Any, catalog: Catalog
) -> None:
    found = seen(RETURNED)
    assert list(found.index) == ["2025-01-11", "2025-06-01", "2025-10-02"]
    assert found["plan_id"].tolist() == ["pro", "pro", "starter"]
    assert found["tenure_days"].tolist() == [1, 142, 265]  # a customer since the first day, as the account says
    assert found["events_28d"].tolist() == [1, 30, 8]
    assert found["days_since_term_change"].tolist() == [1, 142, 1]
    assert found["downgrades"].tolist() == [0, 0, 1]
    mrr = found["mrr_change_180d"]
    assert mrr.isna().tolist()[:2] == [True, True]  # younger than the window

    own = staged["subscriptions"].query("account_id == @RETURNED")
    asked = [date(2025, 2, 1), date(2025, 5, 1), date(2025, 6, 15), date(2025, 7, 3), date(2025, 10, 2)]
    terms = on_engine({"subscriptions": own})["subscriptions"]
    rows = expansion(terms, catalog, calendar(asked), horizon_days=90, min_growth=0.1)
    labels = rows.execute().sort_values("as_of")
    # stayed as it was; had left by the end; not asked while it was away, though it was to return; stays
    assert labels["as_of"].astype("datetime64[us]").dt.date.tolist() == [asked[0], asked[1], asked[4]]
    assert labels["is_expansion"].tolist() == [False, False, False]
