"""Usage and meter rows: one dense grid of a block's accounts × days × features, of which few cells become rows."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.simulate.days import is_customer, levels, season
from data.simulate.history import History
from data.simulate.identity import account_ids, region_of
from data.simulate.shop import Shop
from data.simulate.streams import DAYS, ROWS, draw
from data.simulate.world import World

USED, GATED, TRIAL = 0, 1, 2
KINDS = ("used", "gated", "trial")


def _strings(words: list[str], codes: NDArray[np.integer]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words, pa.string())).cast(
        pa.string()
    )


def usage_and_meters(world: World, shop: Shop, history: History, seed: int) -> tuple[pa.Table, pa.Table]:
    """`usage` and `meters` of the window, in the order of their keys."""
    numbers = [int(x) for x in history.numbers]
    n, F, M = len(numbers), len(shop.features), len(shop.metrics)
    month_of_day, users, log_level = levels(history)
    D = len(month_of_day)
    first_day = np.datetime64(history.months[history.n_before].starts_on, "D")
    days = first_day + np.arange(D)
    z, u = draw(seed, numbers, DAYS, normals=(D, M + 1), uniforms=(D, F + 1))
    _, who = draw(seed, numbers, ROWS, normals=(1,), uniforms=(24,))
    busy = (season(history, days, region_of(who[:, 0])) * is_customer(history)).astype(np.float32)
    # A day of the account's own: its people are busy or away together.
    busy *= np.exp(0.25 * z[:, :, M])

    rate = np.zeros((n, D, F), np.float32)
    kind = np.zeros((n, D, F), np.int8)
    last = len(shop.plans) - 1
    start = 0
    for t in history.window:
        n_days = history.months[t].n_days
        here = slice(start, start + n_days)
        state, change, outlook = history.states[t], history.changes[t], history.outlooks[t]
        after = history.changed[t]
        opened_after = shop.open_features[shop.code(after.plan, after.add_ons)]
        before_change = np.arange(n_days) < change.day[:, None]
        opened = np.where(before_change[:, :, None], outlook.open_features[:, None, :], opened_after[:, None, :])
        # A trial runs for thirty days: the rest of the month in which it began, and the next until the same day.
        following = shop.plan_features[np.minimum(after.plan + 1, last)]
        begins = history.states[t + 1].trial_age == 0
        from_day = history.months[t].decision_day(history.uniforms[t][:, 9], history.uniforms[t][:, 16])
        on_trial = begins[:, None] & (np.arange(n_days) >= from_day[:, None])
        if t > 0:
            u_before = history.uniforms[t - 1]
            began = history.months[t - 1].decision_day(u_before[:, 9], u_before[:, 16])
            ends = 30 - (history.months[t - 1].n_days - began)
            on_trial |= (state.trial_age == 0)[:, None] & (np.arange(n_days) < ends[:, None])
        trial = ~opened & on_trial[:, :, None] & following[:, None, :]
        code = np.where(opened, USED, np.where(trial, TRIAL, GATED))
        need = outlook.need
        engaged = np.exp(0.25 * state.satisfaction)[:, None] * np.where(shop.is_core, 1.7, 1.0)
        open_rate = world.usage_rate * need**1.5 * engaged
        root = np.sqrt(users[:, here])[:, :, None]
        by_kind = np.stack([open_rate, 0.045 * need**2, 0.8 * open_rate]).astype(np.float32)
        cell = np.where(opened, by_kind[0][:, None, :], np.where(trial, by_kind[2][:, None, :], by_kind[1][:, None, :]))
        rate[:, here] = cell * root * busy[:, here, None]
        kind[:, here] = code
        start += n_days
    p = -np.expm1(-rate)
    drawn = u[:, :, :F]
    account, day, feature = np.nonzero(drawn < p)
    at = (account, day, feature)
    hit, rate_at, kind_at = p[at], rate[at], kind[at]
    rest = np.minimum(drawn[at] / hit, 1 - 1e-6)  # uniform again, given that there is a row
    events = 1 + (rate_at * 5 * -np.log1p(-rest)).astype(np.int64)
    people = np.minimum(1 + (events * 0.3).astype(np.int64), np.maximum(users[account, day], 1).astype(np.int64))
    ids = list(account_ids(history.numbers))
    base = int(first_day.astype(int))
    usage = pa.table(
        {
            "account_id": _strings(ids, account),
            "used_on": pa.array((base + day).astype(np.int32), pa.int32()).cast(pa.date32()),
            "feature": _strings(list(shop.features), feature),
            "kind": _strings(list(KINDS), kind_at),
            "n_events": pa.array(events),
            "n_users": pa.array(people),
        }
    )

    # Meters: counters daily where anything was called, gauges on Mondays.
    names = sorted([*shop.metrics, *(["active_users"] if shop.has_active_users else [])])
    values = np.full((n, D, len(names)), np.nan, np.float32)
    customer, is_monday = is_customer(history), ((days.astype(int) + 3) % 7) == 0
    seats = np.empty((n, D), np.float32)
    limit = np.empty((n, D, M), np.float32)
    start = 0
    n_days_of = np.empty(D, np.float32)
    for t in history.window:
        n_days = history.months[t].n_days
        here = slice(start, start + n_days)
        before_change = np.arange(n_days) < history.changes[t].day[:, None]
        a, b = history.repriced[t], history.changed[t]
        seats[:, here] = np.where(before_change, a.seats[:, None], b.seats[:, None])
        limit_a, limit_b = (shop.limit[shop.code(x.plan, x.add_ons)] for x in (a, b))
        limit[:, here] = np.where(before_change[:, :, None], limit_a[:, None, :], limit_b[:, None, :])
        n_days_of[here] = n_days
        start += n_days
    for i, name in enumerate(names):
        if name == "active_users":
            seen = np.minimum(np.round(users * np.exp(0.04 * z[:, :, M])), np.floor(seats * 1.02))
            values[:, :, i] = np.where(customer & is_monday, np.maximum(seen, 0), np.nan)
            continue
        m = shop.metrics.index(name)
        level = np.exp(log_level[:, :, m])
        capped = level * (1 + (level / (1.04 * limit[:, :, m])) ** 12) ** np.float32(-1 / 12)
        if shop.is_counter[m]:
            weekday = (days.astype(int) + 3) % 7
            share = np.where(weekday >= 5, 0.45, 1.22) / n_days_of
            value = np.round(
                capped * share * np.exp(0.2 * z[:, :, m] - 0.02) * (1 + 0.02 * np.log(np.maximum(busy, 0.2)))
            )
            values[:, :, i] = np.where(customer & (value > 0), value, np.nan)
        else:
            value = np.round(capped * (1 + 0.004 * z[:, :, m]), 2)
            values[:, :, i] = np.where(customer & is_monday, value, np.nan)
    account, day, metric = np.nonzero(~np.isnan(values))
    meters = pa.table(
        {
            "account_id": _strings(ids, account),
            "measured_on": pa.array((base + day).astype(np.int32), pa.int32()).cast(pa.date32()),
            "metric": _strings(names, metric),
            "value": pa.array(np.round(values[account, day, metric].astype(np.float64), 2)),
        }
    )
    return usage, meters
