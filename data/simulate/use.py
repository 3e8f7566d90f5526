"""Usage and meter rows: one dense grid of a block's accounts × days × features, of which few cells become rows."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.simulate.days import is_customer, levels, season
from data.simulate.history import History
from data.simulate.identity import account_ids, region_of
from data.simulate.outlook import GATE_RATE
from data.simulate.shop import Shop
from data.simulate.state import Bools, Floats, Ints
from data.simulate.streams import DAYS, MOMENTS, ROWS, draw, waits
from data.simulate.world import World

USED, GATED, TRIAL = 0, 1, 2
KINDS = ("used", "gated", "trial")
REACH = 6.0  # cells that are looked through for each locked feature that is to be met


def _strings(words: list[str], codes: NDArray[np.integer]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words, pa.string())).cast(
        pa.string()
    )


def usage_and_meters(world: World, shop: Shop, history: History, seed: int) -> tuple[pa.Table, pa.Table]:
    """`usage` and `meters` of the window, in the order of their keys."""
    numbers = [int(x) for x in history.numbers]
    month_of_day, users, log_level = levels(history)
    D = len(month_of_day)
    days = np.datetime64(history.months[history.n_before].starts_on, "D") + np.arange(D)
    z, _ = draw(seed, numbers, DAYS, normals=(D, len(shop.metrics) + 1), uniforms=(0,))
    _, who = draw(seed, numbers, ROWS, normals=(1,), uniforms=(24,))
    customer = is_customer(history)
    busy = (season(history, days, region_of(who[:, 0])) * customer).astype(np.float32)
    # A day of the account's own: its people are busy or away together.
    busy *= np.exp(0.25 * z[:, :, -1])
    usage = _usage(world, shop, history, seed, users, busy, days)
    return usage, _meters(shop, history, users, log_level, customer, busy, z, days)


def _usage(
    world: World, shop: Shop, history: History, seed: int, users: Floats, busy: Floats, days: NDArray[np.datetime64]
) -> pa.Table:
    """A cell becomes a row where its waiting time falls short of its rate; locked ones, as often as the state says."""
    n, D, F = len(history.numbers), len(days), len(shop.features)
    wait = waits(seed, history.numbers.tolist(), MOMENTS, (D, F))
    press = np.sqrt(users) * busy
    rate = np.empty((n, D, F), np.float32)
    kind = np.empty((n, D, F), np.int8)
    is_row = np.empty((n, D, F), bool)
    start = 0
    for t in history.window:
        here = slice(start, start + history.months[t].n_days)
        start = here.stop
        outlook, mixed = history.outlooks[t], _mixed(shop, history, t)
        by_kind = _rates(world, shop, history, t)
        rate[:, here] = np.where(outlook.open_features, by_kind[USED], by_kind[GATED])[:, None] * press[:, here, None]
        kind[:, here] = np.where(outlook.open_features, np.int8(USED), np.int8(GATED))[:, None]
        some, kinds = mixed
        rates = np.select([kinds == k for k in range(3)], [by_kind[k][some, None] for k in range(3)])
        rate[some, here], kind[some, here] = rates * press[some, here, None], kinds
        # What only the next plan opens is met as often as the account's state says: CSMs are told that number.
        shut = (kind[:, here] == GATED) & (shop.gated_next[_code(shop, history, t)] > 0)[:, None]
        is_row[:, here] = (wait[:, here] < rate[:, here]) & ~shut
        account, day, feature = np.nonzero(shut & (wait[:, here] < REACH * rate[:, here]))
        day = day + here.start
        order = np.lexsort((wait[account, day, feature] / rate[account, day, feature], account))
        account, day, feature = account[order], day[order], feature[order]
        place = np.arange(len(account)) - np.searchsorted(account, account)
        chosen = place < _met(shop, history, t)[account]
        is_row[account[chosen], day[chosen], feature[chosen]] = True
    cells = np.flatnonzero(is_row)
    account, rest = np.divmod(cells, D * F)
    day, feature = np.divmod(rest, F)
    rate_at = rate.ravel()[cells]
    # The digits behind those that decided are as good as new: how much was done, given that something was.
    again = np.clip((wait.ravel()[cells] * 4096) % 1, 2.0**-13, 1 - 2.0**-13)
    events = 1 + (rate_at * 5 * -np.log(again)).astype(np.int64)
    people = np.minimum(1 + (events * 0.3).astype(np.int64), np.maximum(users[account, day], 1).astype(np.int64))
    return pa.table(
        {
            "account_id": _strings(list(account_ids(history.numbers)), account),
            "used_on": pa.array((int(days[0].astype(int)) + day).astype(np.int32), pa.int32()).cast(pa.date32()),
            "feature": _strings(list(shop.features), feature),
            "kind": _strings(list(KINDS), kind.ravel()[cells]),
            "n_events": pa.array(events),
            "n_users": pa.array(people),
        }
    )


def _code(shop: Shop, history: History, t: int) -> Ints:
    return shop.code(history.repriced[t].plan, history.repriced[t].add_ons)


def _rates(world: World, shop: Shop, history: History, t: int) -> list[Floats]:
    """(n, F) for each kind: rows a day, at one user."""
    outlook = history.outlooks[t]
    core = np.where(shop.is_core, np.float32(1.7), np.float32(1))
    engaged = np.exp(0.25 * history.states[t].satisfaction)[:, None] * core
    opened = world.usage_rate * outlook.need**1.5 * engaged
    return [opened, GATE_RATE * outlook.need**2, 0.8 * opened]


def _met(shop: Shop, history: History, t: int) -> Ints:
    """(n,): how often somebody met a feature that only the next plan opens: until the plan changed, if it did."""
    change = history.changes[t]
    left = np.where(_changes_features(shop, history, t), change.day / history.months[t].n_days, 1.0)
    return np.round(history.states[t + 1].gates_met * left).astype(int)


def _changes_features(shop: Shop, history: History, t: int) -> Bools:
    after = history.changed[t]
    opens_after = shop.open_features[shop.code(after.plan, after.add_ons)]
    return (opens_after != history.outlooks[t].open_features).any(axis=1)


def _mixed(shop: Shop, history: History, t: int) -> tuple[Ints, Ints]:
    """Accounts for which not all days of the month are alike, and (those, days, F) the kind of what they do."""
    n_days, last = history.months[t].n_days, len(shop.plans) - 1
    state, change, after = history.states[t], history.changes[t], history.changed[t]
    # A trial runs for thirty days: the rest of the month in which it began, and the next until the same day.
    begins, goes_on = history.states[t + 1].trial_age == 0, state.trial_age == 0
    some = np.flatnonzero(_changes_features(shop, history, t) | begins | goes_on)
    every_day = np.arange(n_days)
    on_trial = begins[some, None] & (every_day >= _began(history, t)[some, None])
    if t > 0:
        ends = 30 - (history.months[t - 1].n_days - _began(history, t - 1))
        on_trial |= goes_on[some, None] & (every_day < ends[some, None])
    following = shop.plan_features[np.minimum(after.plan[some] + 1, last)]
    # From the change's day on, another plan's features are open.
    opens_after = shop.open_features[shop.code(after.plan[some], after.add_ons[some])]
    before_change = every_day < change.day[some, None]
    opens = history.outlooks[t].open_features[some]
    is_open = np.where(before_change[:, :, None], opens[:, None, :], opens_after[:, None, :])
    trial = on_trial[:, :, None] & following[:, None, :]
    return some, np.where(is_open, np.int8(USED), np.where(trial, np.int8(TRIAL), np.int8(GATED)))


def _began(history: History, t: int) -> Ints:
    """(n,): the day of month `t` on which a trial that was accepted then began."""
    u = history.uniforms[t]
    return history.months[t].decision_day(u[:, 9], u[:, 16])


def _meters(
    shop: Shop, history: History, users: Floats, log_level: Floats, customer: Bools, busy: Floats, z: Floats,
    days: NDArray[np.datetime64],
) -> pa.Table:  # fmt: skip
    """Counters daily where anything was called, gauges on Mondays."""
    n, D, M = len(history.numbers), len(days), len(shop.metrics)
    names = sorted([*shop.metrics, *(["active_users"] if shop.has_active_users else [])])
    values = np.full((n, D, len(names)), np.nan, np.float32)
    is_monday = ((days.astype(int) + 3) % 7) == 0
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
    return pa.table(
        {
            "account_id": _strings(list(account_ids(history.numbers)), account),
            "measured_on": pa.array((int(days[0].astype(int)) + day).astype(np.int32), pa.int32()).cast(pa.date32()),
            "metric": _strings(names, metric),
            "value": pa.array(np.round(values[account, day, metric].astype(np.float64), 2)),
        }
    )
