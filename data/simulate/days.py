"""From months to days: levels between the months' starts, who is a customer, and when people work."""

import numpy as np

from data.simulate.history import History
from data.simulate.state import Bools, Dates, Floats, Ints


def levels(history: History) -> tuple[Ints, Floats, Floats]:
    """Per day of the window: its month's position (days,), active users (n, days), metered levels (n, days, M)."""
    window = history.window
    month_of_day = np.concatenate([np.full(history.months[t].n_days, t) for t in window])
    users, metered = [], []
    for t in window:
        n_days = history.months[t].n_days
        share = (np.arange(n_days) / n_days).astype(np.float32)
        a, b = history.states[t], history.states[t + 1]
        before_change = np.arange(n_days) < history.changes[t].day[:, None]
        seats = np.where(before_change, history.repriced[t].seats[:, None], history.changed[t].seats[:, None])
        wanted = np.exp(a.log_users[:, None] + (b.log_users - a.log_users)[:, None] * share)
        users.append((wanted * (1 + (wanted / seats) ** 8) ** (-1 / 8)).astype(np.float32))
        log_level = a.log_level[:, None, :] + (b.log_level - a.log_level)[:, None, :] * share[:, None]
        metered.append(log_level.astype(np.float32))
    return month_of_day, np.concatenate(users, axis=1), np.concatenate(metered, axis=1)


def is_customer(history: History) -> Bools:
    """(n, days of the window): whether a plan runs on the day."""
    found = []
    for t in history.window:
        before_change = np.arange(history.months[t].n_days) < history.changes[t].day[:, None]
        found.append(
            np.where(before_change, history.repriced[t].is_active[:, None], history.changed[t].is_active[:, None])
        )
    return np.concatenate(found, axis=1)


def season(history: History, days: Dates, region: Ints) -> Floats:
    """(n, days): how much is worked: weekends, summer, the turn of the year, Japan's Golden Week, quarter ends."""
    weekday = (days.astype(int) + 3) % 7
    work = np.where(weekday >= 5, 0.10, 1.0)
    month = days.astype("datetime64[M]").astype(int) % 12 + 1
    of_month = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    quarter_end = (month % 3 == 0) & (of_month >= 24)
    work = work * np.where(quarter_end, 1.10, 1.0)
    holidays = ((month == 12) & (of_month >= 24)) | ((month == 1) & (of_month <= 2))
    by_region = np.repeat(np.where(holidays, 0.35, 1.0)[None], 4, axis=0)
    by_region[0] *= np.where((month == 8) | ((month == 7) & (of_month > 20)), 0.78, 1.0)
    by_region[1] *= np.where((month == 11) & (of_month >= 25), 0.7, 1.0)
    by_region[3] *= np.where(((month == 4) & (of_month >= 29)) | ((month == 5) & (of_month <= 5)), 0.25, 1.0)
    by_region[3] *= np.where((month == 8) & (of_month >= 11) & (of_month <= 16), 0.5, 1.0)
    return work * by_region[region]
