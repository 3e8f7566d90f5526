"""By hand: what was said to an account and by it: support, surveys, meetings, proposals, news. One figure per account."""

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
    """Tickets by their opening, except what needs a closing: hours and ratings go by that."""
    rows = raw["tickets"]
    quarter, half = raw.within("tickets", 90), raw.within("tickets", 180)
    still = rows[rows["closed_at"].isna()]
    closed = rows[rows["closed_at"] >= raw.days(180)]
    found = pd.DataFrame(index=accounts)
    found["tickets_90d"] = _count(quarter, accounts)
    found["open_tickets"] = _count(still, accounts)
    found["open_serious_tickets"] = _count(still[still["severity"].isin(SERIOUS)], accounts)
    found["bug_share_180d"] = _mean(half, half["category"] == "bug", accounts)
    found["how_to_tickets_90d"] = _count(quarter[quarter["category"] == "how_to"], accounts)
    hours = (closed["closed_at"] - closed["opened_at"]).dt.total_seconds() / 3600
    found["close_hours_180d"] = _mean(closed, hours, accounts)
    found["csat_180d"] = _mean(closed, closed["csat"], accounts)
    return found


def sentiment(raw: Raw, accounts: pd.Index) -> pd.DataFrame:
    """NPS answers: the latest within a year, its age, and how far it is from the one before."""
    rows = raw.within("surveys", 365).sort_values("answered_at")
    by = rows.groupby("account_id")
    found = pd.DataFrame(index=accounts)
    found["nps_latest"] = by["nps"].last().reindex(accounts)
    found["nps_age_days"] = _days_since(raw, rows, "answered_at", accounts)
    everything = raw["surveys"].sort_values("answered_at")
    found["nps_change"] = everything.groupby("account_id")["nps"].agg(lambda n: n.diff().iloc[-1]).reindex(accounts)
    found["nps_change"] = found["nps_change"].where(found["nps_latest"].notna())
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
    """What happened in the customer's company."""
    rows = raw["life_events"]
    found = pd.DataFrame(index=accounts)
    found["life_events_180d"] = _count(raw.within("life_events", 180), accounts)
    for name, kinds in (("growth_event", GROWTH), ("upheaval", UPHEAVAL)):
        found[f"days_since_{name}"] = _days_since(raw, rows[rows["kind"].isin(kinds)], "happened_on", accounts)
    return found
