"""By hand: support, surveys, meetings, proposals and news of an account. One figure per active account."""

from __future__ import annotations

import pandas as pd

from benchmarks.by_hand.raw import Raw

GROWTH = ("funding", "new_office", "new_business", "hiring")
UPHEAVAL = ("merger", "reorganisation")
SERIOUS = ("high", "urgent")


def _count(rows: pd.DataFrame, accounts: pd.Index) -> pd.Series:
    return rows.groupby("account_id").size().reindex(accounts).fillna(0)


def _mean(rows: pd.DataFrame, values: pd.Series, accounts: pd.Index) -> pd.Series:
    return values.groupby(rows["account_id"]).mean().reindex(accounts)


def _days_since(raw: Raw, rows: pd.DataFrame, stamp: str, accounts: pd.Index) -> pd.Series:
    """Days between the date of the last row and the day."""
    last = rows.groupby("account_id")[stamp].max().dt.normalize()
    return (raw.day - last).dt.days.reindex(accounts)


def support(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """Tickets by their opening; hours and ratings of those of the last 180 days that are closed."""
    rows = raw["tickets"]
    quarter, half = raw.within("tickets", 90), raw.within("tickets", 180)
    still = rows[rows["closed_at"].isna()]
    found = pd.DataFrame(index=accounts)
    found["tickets_90d"] = _count(quarter, accounts)
    found["open_tickets"] = _count(still, accounts)
    found["open_serious_tickets"] = _count(still[still["severity"].isin(SERIOUS)], accounts)
    found["bug_share_180d"] = _mean(half, half["category"] == "bug", accounts)
    found["how_to_tickets_90d"] = _count(quarter[quarter["category"] == "how_to"], accounts)
    found["close_hours_180d"] = _mean(half, (half["closed_at"] - half["opened_at"]).dt.total_seconds() / 3600, accounts)
    found["csat_180d"] = _mean(half, half["csat"], accounts)
    return found


def sentiment(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """NPS answers of a year: the latest, its age, how far it is from the one before."""
    year = raw.within("surveys", 365).sort_values("answered_at")
    found = pd.DataFrame(index=accounts)
    found["nps_latest"] = year.groupby("account_id")["nps"].last().reindex(accounts)
    found["nps_age_days"] = _days_since(raw, year, "answered_at", accounts)
    rows = year.assign(step=year.groupby("account_id")["nps"].diff())
    last = rows.drop_duplicates("account_id", keep="last").set_index("account_id")
    found["nps_change"] = last["step"].reindex(accounts)
    return found


def relationship(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """Meetings and calls."""
    half, year = raw.within("touchpoints", 180), raw.within("touchpoints", 365)
    found = pd.DataFrame(index=accounts)
    found["touchpoints_90d"] = _count(raw.within("touchpoints", 90), accounts)
    found["days_since_touchpoint"] = _days_since(raw, raw["touchpoints"], "held_at", accounts)
    found["executive_meetings_180d"] = _count(half[half["has_executive"]], accounts)
    found["attendees_180d"] = _mean(half, half["n_attendees"], accounts)
    found["business_reviews_365d"] = _count(year[year["kind"] == "business_review"], accounts)
    found["trainings_180d"] = _count(half[half["kind"].isin(["training", "onboarding"])], accounts)
    return found


def proposals(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """Offers that were made (one withheld on purpose is none), and what was answered by the day."""
    rows, year = raw["proposals"], raw.within("proposals", 365)
    rows, year = rows[rows["offer_id"] != "none"], year[year["offer_id"] != "none"]
    refused = rows[rows["outcome"] == "declined"]
    found = pd.DataFrame(index=accounts)
    found["proposals_365d"] = _count(year, accounts)
    found["days_since_proposal"] = _days_since(raw, rows, "proposed_at", accounts)
    found["acceptances"] = _count(rows[rows["outcome"] == "accepted"], accounts)
    found["refusals_365d"] = _count(refused[refused["decided_at"] >= raw.days(365)], accounts)
    found["days_since_refusal"] = _days_since(raw, refused, "decided_at", accounts)
    found["contacts_30d"] = _count(rows[rows["proposed_at"] >= raw.days(30)], accounts)
    return found


def life(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """What happened in the customer's company, within a year."""
    found = pd.DataFrame(index=accounts)
    found["life_events_180d"] = _count(raw.within("life_events", 180), accounts)
    for name, kinds in (("growth_event", GROWTH), ("upheaval", UPHEAVAL)):
        rows = raw.within("life_events", 365)
        rows = rows[rows["kind"].isin(kinds)]
        found[f"days_since_{name}"] = _days_since(raw, rows, "happened_on", accounts)
    return found
