"""`tickets`, `surveys`, `touchpoints` and `life_events`, within the window and while the account was a customer."""

from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit

from data.simulate.history import History
from data.simulate.identity import account_ids
from data.simulate.shop import Shop
from data.simulate.state import Bools, Dates, Floats, Objects
from data.simulate.streams import EVENTS, draw
from data.simulate.world import World

N_UNIFORMS = 40  # an account and month; columns 0-5 meetings, 6-8 surveys, 9-10 life events, 16-39 tickets
TICKETS_AT_MOST = 6


def relations(world: World, shop: Shop, history: History, ends_on: date, seed: int) -> dict[str, pd.DataFrame]:
    """The four tables of a block, by name."""
    shape = (len(history.months), N_UNIFORMS)
    _, u = draw(seed, history.numbers.tolist(), EVENTS, normals=(0,), uniforms=shape)
    end = np.datetime64(ends_on, "us")
    months = [(t, u[:, t].astype(float)) for t in history.window]
    tickets = _table(history, [_tickets(history, t, v, end) for t, v in months], "opened_at")
    nth = tickets.groupby("account_id").cumcount() + 1
    ids = [f"TCK-{account[4:]}-{i:03d}" for account, i in zip(tickets["account_id"], nth, strict=True)]
    tickets.insert(0, "ticket_id", ids)
    return {
        "tickets": tickets,
        "surveys": _table(history, [_surveys(world, history, t, v) for t, v in months], "answered_at"),
        "touchpoints": _table(history, [_touchpoints(shop, history, t, v) for t, v in months], "held_at"),
        "life_events": _table(history, [_life_events(history, t, v) for t, v in months], "happened_on"),
    }


def _table(history: History, frames: list[pd.DataFrame], stamp: str) -> pd.DataFrame:
    table = pd.concat(frames, ignore_index=True)
    table = table.sort_values(["account", stamp], kind="stable", ignore_index=True)
    rows = table.pop("account").to_numpy()
    table.insert(0, "account_id", account_ids(history.numbers)[rows])
    return table


def _instant(history: History, t: int, day: Floats, hour: Floats) -> Dates:
    """A moment of month `t`: whole days, and hours of the day with their minutes."""
    minutes = (np.floor(day) * 24 * 60 + hour * 60).astype(int)
    return history.starts_on(t).astype("datetime64[us]") + minutes.astype("timedelta64[m]")


def _among(words: list[str], u: Floats) -> Objects:
    return np.array(words, dtype=object)[np.minimum((u * len(words)).astype(int), len(words) - 1)]


def _was_customer(history: History, t: int, account: Floats, day: Floats) -> Bools:
    return day < history.customer_until(t)[account]


def _tickets(history: History, t: int, u: Floats, end: np.datetime64) -> pd.DataFrame:
    """As many as the month's state says; where it says a serious one, the first is."""
    before, after = history.states[t], history.states[t + 1]
    n_tickets = np.where(history.states[t].is_active, history.tickets[t], 0)
    rows = np.repeat(np.arange(len(n_tickets)), n_tickets)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(n_tickets) - n_tickets, n_tickets)
    a, b, c, d = (u[rows, 16 + nth + i * TICKETS_AT_MOST] for i in range(4))
    is_serious = after.serious_ticket[rows] & (nth == 0)
    day = np.floor(a * history.months[t].n_days)
    opened = _instant(history, t, day, 6 + 14 * (a * history.months[t].n_days % 1))
    mood = before.satisfaction[rows]
    hours = 2 * np.exp(2.2 + 1.3 * (2 * b - 1) + 1.2 * is_serious + 0.5 * (mood < -0.8))
    closed = opened + np.maximum(hours * 60, 20).astype(int).astype("timedelta64[m]")
    is_open = closed >= end
    # 55 % rate the answer; the same uniform, stretched, is the rating's own noise.
    rated = ~is_open & (c < 0.55)
    score = np.clip(np.round(4.1 + 0.7 * mood - 1.1 * is_serious + 1.6 * (c / 0.55 - 0.5)), 1, 5)
    grave = np.where(d < 0.3, "urgent", "high")
    plain = np.where(d < 0.45, "low", "normal")
    asked = _among(["bug", "how_to", "how_to", "feature_request", "billing"], d * 5 % 1)
    frame = pd.DataFrame(
        {
            "account": rows,
            "opened_at": opened,
            "closed_at": np.where(is_open, np.datetime64("NaT"), closed),
            "severity": np.where(is_serious, grave, plain),
            "category": np.where(is_serious, np.where(d < 0.85, "bug", "billing"), asked),
            "csat": pd.array(np.where(rated, score, np.nan), dtype="Float64").astype("Int64"),
        }
    )
    return frame[_was_customer(history, t, rows, day)]


def _surveys(world: World, history: History, t: int, u: Floats) -> pd.DataFrame:
    """Sent every fifth month, at its own turn for each account; some answer such things and some never do."""
    state = history.states[t]
    asked = (history.numbers + t) % 5 == 0
    responds = history.trait_uniforms[:, 9] < world.survey_rate
    rows = np.flatnonzero(asked & responds & (u[:, 6] < 0.8))
    nps = 8.1 + 1.6 * state.satisfaction[rows] + 0.5 * state.champion[rows] + 2.4 * (u[rows, 7] - 0.5)
    day = 5 + np.floor(15 * u[rows, 8])
    at = _instant(history, t, day, 8 + 10 * (15 * u[rows, 8] % 1))
    frame = pd.DataFrame({"account": rows, "answered_at": at, "nps": np.clip(np.round(nps), 0, 10).astype(int)})
    return frame[_was_customer(history, t, rows, day)]


def _touchpoints(shop: Shop, history: History, t: int, u: Floats) -> pd.DataFrame:
    """Onboarding in the first three months, then check-ins and reviews, more where there is a champion; trainings."""
    state = history.states[t]
    young = (t - history.born) <= 3
    rate = 0.14 + 0.05 * np.tanh(state.champion) + 0.08 * (state.seats > 40)
    rate = np.where(young, 0.7, rate * state.has_owner)
    kinds = np.array([offer.kind for offer in shop.offers])[np.maximum(history.proposals[t].offer, 0)]
    trained = history.changes[t].is_accepted & (kinds == "enablement")
    rows = np.flatnonzero((u[:, 0] < rate) | trained)
    v = u[rows, 1]
    kind = np.select([v < 0.55, v < 0.82, v < 0.93], ["check_in", "business_review", "training"], "demo")
    kind = np.where(young[rows], np.where(v < 0.75, "onboarding", "training"), kind)
    kind = np.where(trained[rows], "training", kind)
    # A training that was accepted comes after the answer.
    day = np.where(trained[rows], 26 + np.floor(2 * u[rows, 2]), np.floor(26 * u[rows, 2]))
    n_people = 1 + np.minimum((0.6 * np.sqrt(state.seats[rows]) * (0.3 + u[rows, 4])).astype(int), 30)
    frame = pd.DataFrame(
        {
            "account": rows,
            "held_at": _instant(history, t, day, 8 + 9 * u[rows, 3]),
            "kind": kind.astype(object),
            "n_attendees": n_people,
            "has_executive": u[rows, 5] < 0.12 + 0.16 * expit(1.5 * state.champion[rows]),
        }
    )
    return frame[_was_customer(history, t, rows, day)]


def _life_events(history: History, t: int, u: Floats) -> pd.DataFrame:
    """What happened in the customer's company this month, on a day of it."""
    rows = np.flatnonzero((history.states[t + 1].life_age == 0) & (history.born < t))
    day = np.floor(u[rows, 9] * history.months[t].n_days)
    kinds = ["funding", "hiring", "hiring", "new_office", "new_business", "merger", "reorganisation"]
    on = history.starts_on(t) + day.astype(int)
    frame = pd.DataFrame({"account": rows, "happened_on": on, "kind": _among(kinds, u[rows, 10])})
    return frame[_was_customer(history, t, rows, day)]
