"""Each rule of the contract: a row that breaks it goes to quarantine with its sentence; one that barely holds stays."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import BadInput
from data.sources import Source, Sources
from data.validation import Validate, stop_unless_good

A_DATE, A_TIME = "a date (YYYY-MM-DD)", "a timestamp (YYYY-MM-DD HH:MM:SS)"
BROKEN = [
    # table, column, what breaks the rule, the rule, what just does not
    ("accounts", "account_id", "", "account_id must not be empty", "A-4"),
    ("accounts", "account_name", "  ", "account_name must not be empty", "-"),
    ("accounts", "employee_count", "-1", "employee_count must be at least 0", "0"),
    ("accounts", "employee_count", "2.5", "employee_count must be a whole number", "2.0"),
    ("accounts", "signed_up_on", "2023-02-29", f"signed_up_on must be {A_DATE}", "2024-02-29"),
    ("accounts", "signed_up_on", "01/02/2024", f"signed_up_on must be {A_DATE}", "2024-1-2"),
    ("accounts", "signed_up_on", "", "signed_up_on must not be empty", "2024-01-02"),
    ("accounts", "csm_sentiment", "Green", "csm_sentiment must be one of green, yellow, red", ""),
    ("accounts", "has_opted_in", "maybe", "has_opted_in must be true or false", "FALSE"),
    ("accounts", "do_not_contact_until", "soon", f"do_not_contact_until must be {A_DATE}", "2099-12-31"),
    ("subscriptions", "account_id", "A-99", "account_id must be one of accounts", "A-3"),
    ("subscriptions", "product_id", "gold", "product_id must be one of the products of catalog.yaml", "analytics"),
    ("subscriptions", "quantity", "-1", "quantity must be at least 0", "0"),
    ("subscriptions", "mrr", "-0.01", "mrr must be at least 0", "0"),
    ("subscriptions", "mrr", "12,50", "mrr must be a number", "12.50"),
    ("subscriptions", "mrr", "NaN", "mrr must be a number", "1e3"),
    ("subscriptions", "discount_pct", "100.1", "discount_pct must be at most 100", "100"),
    ("subscriptions", "billing", "weekly", "billing must be one of monthly, annual", "annual"),
    ("subscriptions", "valid_to_on", "2024-01-09", "valid_to_on must not be before valid_from_on", "2024-01-10"),
    ("subscriptions", "renews_on", "yearly", f"renews_on must be {A_DATE}", ""),
    ("usage", "feature", "teleport", "feature must be one of the features of catalog.yaml", "tasks"),
    ("usage", "kind", "seen", "kind must be one of used, gated, trial", "gated"),
    ("usage", "n_events", "-1", "n_events must be at least 0", "0"),
    ("usage", "n_users", "many", "n_users must be a whole number", "1"),
    ("usage", "used_on", "", "used_on must not be empty", "2024-03-02T23:59:59Z"),
    ("meters", "metric", "mood", "metric must be one of the metrics of catalog.yaml", "api_calls"),
    ("meters", "value", "-0.5", "value must be at least 0", "0.0"),
    ("tickets", "opened_at", "2024-03-01 25:00:00", f"opened_at must be {A_TIME}", "2024-03-01 9:00"),
    ("tickets", "closed_at", "2024-03-01 08:59:59", "closed_at must not be before opened_at", "2024-03-01 09:00:00"),
    ("tickets", "csat", "0", "csat must be at least 1", "1"),
    ("tickets", "csat", "6", "csat must be at most 5", "5"),
    ("tickets", "severity", "medium", "severity must be one of low, normal, high, urgent", "low"),
    ("surveys", "nps", "11", "nps must be at most 10", "10"),
    ("surveys", "nps", "-1", "nps must be at least 0", "0"),
    ("touchpoints", "has_executive", "", "has_executive must not be empty", "1"),
    (
        "life_events",
        "kind",
        "wedding",
        "kind must be one of funding, merger, new_office, new_business, reorganisation, hiring",
        "hiring",
    ),
    ("proposals", "offer_id", "unheard_of", "offer_id must be one of the offers of catalog.yaml", "none"),
    ("proposals", "pscore", "1.01", "pscore must be at most 1", "1"),
    ("proposals", "decided_at", "2024-05-01T07:59:59Z", "decided_at must not be before proposed_at", ""),
    ("account_changes", "field", "mood", "field must be an attribute of accounts", "industry"),
    (
        "account_changes",
        "value",
        "blue",
        "value must suit its field: csm_sentiment must be one of green, yellow, red",
        "yellow",
    ),
]
NEW = {"account_id": "A-3", "subscription_id": "S-3", "ticket_id": "T-3", "proposal_id": "P-3"}


@pytest.mark.parametrize(("table", "column", "bad", "rule", "fine"), BROKEN)
def test_rule(
    outcome: Callable[..., Any], good_company: Any, table: str, column: str, bad: str, rule: str, fine: str
) -> None:
    row = {**good_company[table][0], **{k: v for k, v in NEW.items() if k in good_company[table][0]}}
    broken, holds = {**row, column: bad}, {**row, column: fine}
    if table == "accounts" and column != "account_id":
        broken["account_id"], holds["account_id"] = "A-4", "A-5"
    found = outcome(table, [broken, holds])
    assert found.rules(table) == [rule]
    assert found.quarantined[table][0][column] == (bad if bad.strip() else None)
    assert len(found.kept[table]) == len(good_company[table]) + 1
    assert sum(len(rows) for rows in found.quarantined.values()) == 1


def test_the_first_broken_rule_is_told(outcome: Callable[..., Any], good_company: Any) -> None:
    row = {**good_company["surveys"][0], "account_id": "nobody", "nps": "11", "answered_at": "noon"}
    assert outcome("surveys", [row]).rules("surveys") == ["account_id must be one of accounts"]


def test_rows_of_an_account_in_quarantine_are_of_an_unknown_account(
    outcome: Callable[..., Any], good_company: Any
) -> None:
    accounts = [{**row, "signed_up_on": "?"} if row["account_id"] == "A-1" else row for row in good_company["accounts"]]
    found = outcome("accounts", accounts, instead=True, whole=True)
    for table in good_company:
        if table != "accounts":
            assert found.rules(table) == ["account_id must be one of accounts"], table
            assert [row["account_id"] for row in found.kept[table]] == ["A-2"], table


def test_identical_copies_are_kept_once_and_counted(outcome: Callable[..., Any], good_company: Any) -> None:
    for table in good_company:
        found = outcome(table, good_company[table] * 2)
        assert found.quarantined[table] == [], table
        assert len(found.kept[table]) == len(good_company[table]), table
        assert next(one.copies for one in found.report.tables if one.table == table) == 2 * len(good_company[table])


def test_a_key_twice_with_different_contents_takes_all_of_them(outcome: Callable[..., Any], good_company: Any) -> None:
    first = good_company["tickets"][0]
    found = outcome("tickets", [{**first, "csat": "1"}, first])
    assert found.rules("tickets") == ["two rows of the same ticket_id must not differ"] * 2
    assert [row["ticket_id"] for row in found.kept["tickets"]] == ["T-A-2"]
    assert found.report.tables[-1].copies == 1


@pytest.mark.parametrize("table", ["usage", "meters", "proposals", "subscriptions"])
def test_no_column_of_a_table_hides_that_rows_contradict(
    outcome: Callable[..., Any], good_company: Any, table: str
) -> None:
    column = {"usage": "n_events", "meters": "value", "proposals": "discount_pct", "subscriptions": "quantity"}[table]
    first = good_company[table][0]
    found = outcome(table, [{**first, column: "1"}])
    assert len(found.rules(table)) == 2
    assert "must not differ" in found.rules(table)[0]


def test_a_row_in_quarantine_contradicts_no_other(outcome: Callable[..., Any], good_company: Any) -> None:
    broken = {**good_company["tickets"][0], "csat": "9"}
    found = outcome("tickets", [broken])
    assert found.rules("tickets") == ["csat must be at most 5"]
    assert len(found.kept["tickets"]) == 2


@pytest.mark.parametrize(
    ("second", "overlaps"),
    [
        ({"valid_from_on": "2024-03-01", "valid_to_on": ""}, False),  # half-open: they touch
        ({"valid_from_on": "2024-02-29", "valid_to_on": ""}, True),
        ({"valid_from_on": "2024-02-29", "valid_to_on": "", "product_id": "analytics"}, False),
        ({"valid_from_on": "2023-01-01", "valid_to_on": "2024-01-10"}, False),
        ({"valid_from_on": "2023-01-01", "valid_to_on": "2024-01-11"}, True),
        ({"valid_from_on": "2024-02-01", "valid_to_on": "2024-02-01"}, False),  # runs on no day
        ({"valid_from_on": "2023-01-01", "valid_to_on": ""}, True),
        ({"valid_from_on": "2024-01-10", "valid_to_on": "2024-03-01"}, True),
    ],
)
def test_overlapping_periods_of_one_product(
    outcome: Callable[..., Any], good_company: Any, second: dict[str, str], overlaps: bool
) -> None:
    first = {**good_company["subscriptions"][0], "valid_to_on": "2024-03-01"}
    rows = [first, {**first, "subscription_id": "S-9", **second}, good_company["subscriptions"][1]]
    found = outcome("subscriptions", rows, instead=True)
    says = "two periods of the same account_id and product_id must not overlap"
    assert found.rules("subscriptions") == ([says] * 2 if overlaps else [])
    assert len(found.kept["subscriptions"]) == (1 if overlaps else 3)


def test_all_periods_that_overlap_go_not_only_neighbours(outcome: Callable[..., Any], good_company: Any) -> None:
    row = {**good_company["subscriptions"][0], "account_id": "A-3"}
    periods = [("2024-01-01", "2024-12-31"), ("2024-02-01", "2024-03-01"), ("2024-05-01", "2024-06-01")]
    rows = [
        {**row, "subscription_id": f"S-{i}", "valid_from_on": start, "valid_to_on": end}
        for i, (start, end) in enumerate([*periods, ("2025-01-01", "")])
    ]
    found = outcome("subscriptions", rows)
    assert [one["subscription_id"] for one in found.quarantined["subscriptions"]] == ["S-0", "S-1", "S-2"]


def test_known_on_is_the_later_of_stamp_and_recorded_at(outcome: Callable[..., Any], good_company: Any) -> None:
    row = good_company["surveys"][0]
    moments = ["2024-04-03 01:00:00", "2024-03-01", "", "2024-04-02T00:30:00+02:00"]
    rows = [{**row, "answered_at": f"2024-04-01 12:00:0{i}", "recorded_at": at} for i, at in enumerate(moments)]
    found = outcome("surveys", rows, instead=True)
    days = [(one["answered_at"].second, one["known_on"].day) for one in found.kept["surveys"]]
    assert days == [(0, 3), (1, 1), (2, 1), (3, 1)]
    broken = outcome("surveys", [{**row, "recorded_at": "later"}], instead=True)
    assert broken.rules("surveys") == ["recorded_at must be a timestamp (YYYY-MM-DD HH:MM:SS)"]
    assert broken.quarantined["surveys"][0]["recorded_at"] == "later"


def test_a_copy_that_was_recorded_later_changes_nothing(outcome: Callable[..., Any], good_company: Any) -> None:
    row = good_company["surveys"][0]
    rows = [{**row, "recorded_at": at} for at in ("2024-06-01", "2024-05-01", "2024-07-01")]
    (kept,) = outcome("surveys", rows, instead=True).kept["surveys"]
    assert kept["known_on"] == datetime.date(2024, 5, 1)


def test_naive_timestamps_are_utc(outcome: Callable[..., Any], good_company: Any) -> None:
    rows = [{**good_company["surveys"][0], "answered_at": at} for at in ("2024-03-31 0:30", "2024-03-31T01:00:00.5")]
    kept = outcome("surveys", rows, instead=True).kept["surveys"]
    assert [one["answered_at"].isoformat() for one in kept] == ["2024-03-31T00:30:00", "2024-03-31T01:00:00.500000"]


def test_timestamps_with_an_offset_become_utc(outcome: Callable[..., Any], good_company: Any) -> None:
    row = {**good_company["surveys"][0], "answered_at": "2024-03-31T00:30:00+02:00"}  # over a change of the clocks
    found = outcome("surveys", [row], instead=True)
    (kept,) = found.kept["surveys"]
    assert kept["answered_at"] == datetime.datetime(2024, 3, 30, 22, 30)
    assert kept["known_on"] == datetime.date(2024, 3, 30)


def test_own_rules_of_a_company(tmp_path: Path, checked: Any, good_company: Any, write_csv: Any) -> None:
    rule = {"too many for one day": "try_cast(n_events as int) > 5"}
    good_company["usage"][0]["n_events"] = "5"
    found = checked(write_csv(good_company, tmp_path), Sources(usage=Source(quarantine_where=rule)))
    assert [row["account_id"] for row in found.quarantined["usage"]] == ["A-2"]
    assert found.rules("usage") == ["too many for one day (a rule of sources.yaml)"]


def test_past_the_limit_one_message_names_all(outcome: Callable[..., Any], good_company: Any) -> None:
    row = good_company["surveys"][0]
    rows = [{**row, "nps": str(11 + i)} for i in range(4)] + [{**row, "nps": "often"}]
    found = outcome("surveys", rows, limits=Validate(max_quarantined_rate=0.5))
    with pytest.raises(BadInput) as error:
        stop_unless_good(found.report)
    assert str(error.value) == (
        "surveys: 5 of 7 rows (71.4%) break the contract, more than `validate` allows (50.0%). "
        "Most of them, column nps: nps must be at most 10, 4 rows, "
        "first: account_id=A-1 answered_at=2024-04-01 12:00:00 nps=11; account_id=A-1 answered_at=2024-04-01 12:00:00 "
        "nps=12; account_id=A-1 answered_at=2024-04-01 12:00:00 nps=13. "
        "Mend surveys.csv, or raise validate.tables.surveys in params.yaml."
    )
    assert outcome("surveys", rows, limits=Validate(tables={"surveys": 0.72})).report.is_good


def test_rows_that_follow_from_the_accounts_are_not_a_problem_of_their_own(
    outcome: Callable[..., Any], good_company: Any
) -> None:
    accounts = [{**row, "signed_up_on": "?"} for row in good_company["accounts"]]
    found = outcome("accounts", accounts, instead=True, whole=True, limits=Validate())
    assert [problem.split(":")[0] for problem in found.report.problems] == ["accounts"]
    assert all(not rows for rows in found.kept.values())


def test_a_catalogue_without_the_plan_that_accounts_are_on(outcome: Callable[..., Any], good_company: Any) -> None:
    rows = [{**row, "product_id": "gold"} for row in good_company["subscriptions"]]
    found = outcome("subscriptions", rows, instead=True, limits=Validate(max_quarantined_rate=0.5))
    assert found.report.problems[0] == (
        "catalog.yaml: there is no plan or add-on gold, which 2 accounts are on (subscriptions, column product_id; "
        "first: A-1, A-2); add it under plans or add_ons, or map it to one of them in sources.yaml."
    )
    assert len(found.report.problems) == 1


def test_one_row_of_an_unknown_product_is_a_slip(outcome: Callable[..., Any], good_company: Any) -> None:
    many = [{**good_company["accounts"][0], "account_id": f"B-{i}"} for i in range(200)]
    found = outcome("accounts", many)
    assert found.report.is_good
    row = {**good_company["subscriptions"][0], "subscription_id": "S-9", "product_id": "gold"}
    assert outcome("subscriptions", [row], limits=Validate(max_quarantined_rate=0.5)).report.is_good


def test_an_empty_required_table_stops(outcome: Callable[..., Any]) -> None:
    found = outcome("usage", [], instead=True)
    assert found.report.problems == ["usage: usage.csv has no rows; a run needs some."]


def test_what_is_no_breach_is_noticed(outcome: Callable[..., Any], good_company: Any) -> None:
    early = {**good_company["usage"][0], "used_on": "2024-01-09"}
    usage = outcome("usage", [early])
    assert usage.rules("usage") == []
    assert usage.report.tables[2].notices == ["1 kept row is dated before the account signed up."]
    silent = outcome("accounts", [{**row, "has_opted_in": ""} for row in good_company["accounts"]], instead=True)
    assert silent.report.tables[0].notices[0].startswith("No account has opted in")


MESSY = st.fixed_dictionaries(
    {
        "subscription_id": st.sampled_from(["S-1", "S-2", "S-3", "S-4", ""]),
        "account_id": st.sampled_from(["A-1", "A-2", "A-99"]),
        "product_id": st.sampled_from(["pro", "free", "gold"]),
        "quantity": st.sampled_from(["1", "2", "-1", "x"]),
        "mrr": st.sampled_from(["0", "10", ""]),
        "discount_pct": st.sampled_from(["0", "101"]),
        "billing": st.sampled_from(["monthly", "annual"]),
        "valid_from_on": st.sampled_from(["2024-01-01", "2024-02-01", "2024-03-01", "?"]),
        "valid_to_on": st.sampled_from(["2024-02-01", "2024-03-01", ""]),
        "recorded_at": st.sampled_from(["", "2024-05-01", "?"]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(MESSY, min_size=1, max_size=12))
def test_nothing_is_lost(outcome: Callable[..., Any], rows: list[dict[str, str]]) -> None:
    found = outcome("subscriptions", rows, instead=True)
    table = found.report.tables[1]
    assert table.read == len(rows)
    assert table.read == table.kept + table.copies + table.quarantined
    assert table.kept == len(found.kept["subscriptions"])
    assert table.quarantined == len(found.quarantined["subscriptions"])
    assert all(row["rule"] for row in found.quarantined["subscriptions"])
    ids = [row["subscription_id"] for row in found.kept["subscriptions"]]
    assert ids == sorted(set(ids))
    for one in found.kept["subscriptions"]:  # what is kept overlaps with nothing else that is kept
        for other in found.kept["subscriptions"]:
            if one is not other and (one["account_id"], one["product_id"]) == (
                other["account_id"],
                other["product_id"],
            ):
                far = datetime.date(9999, 12, 31)
                starts = max(one["valid_from_on"], other["valid_from_on"])
                assert starts >= min(one["valid_to_on"] or far, other["valid_to_on"] or far)
