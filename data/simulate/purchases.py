"""`subscriptions`: the change points of the terms, as periods."""

import numpy as np
import pandas as pd

from data.simulate import month as changes
from data.simulate.history import History
from data.simulate.identity import account_ids
from data.simulate.shop import Shop
from data.simulate.state import Dates, Ints, Objects


def subscriptions(shop: Shop, history: History) -> pd.DataFrame:
    """One row per account × product × period of unchanged terms, from the change points of the terms."""
    months = len(history.months)
    n, K = len(history.numbers), len(shop.add_ons)
    points = [x for t in range(months) for x in (history.repriced[t], history.changed[t])]
    days = np.empty((n, 2 * months), "datetime64[D]")
    reasons = np.zeros((n, 2 * months), int)
    for t in range(months):
        days[:, 2 * t] = history.starts_on(t)
        days[:, 2 * t + 1] = history.starts_on(t) + history.changes[t].day
        reasons[:, 2 * t + 1] = history.changes[t].kind
    active = np.column_stack([p.is_active for p in points])
    plan = np.column_stack([p.plan for p in points])
    seats = np.column_stack([p.seats for p in points])
    annual = np.column_stack([p.is_annual for p in points])
    discount = np.column_stack([p.discount for p in points])
    level = np.column_stack([p.price_level for p in points])
    anchor = np.column_stack([p.anchor for p in points])
    anchor_day = np.column_stack([p.anchor_day for p in points])
    frames = []
    for product in range(-1, K):
        if product < 0:
            name, has, quantity = plan, active, seats
            gross = shop.plan_base[plan] + shop.plan_seat[plan] * seats
        else:
            has = active & np.column_stack([p.add_ons >> product & 1 == 1 for p in points])
            name = np.full_like(plan, len(shop.plans) + product)
            per_seat = shop.add_on_seat[product] > 0
            quantity = seats if per_seat else np.ones_like(seats)
            gross = shop.add_on_base[product] + shop.add_on_seat[product] * seats
        mrr = np.round(gross * level * (1 - discount / 100), 2)
        differs = np.zeros_like(has)
        differs[:, 0] = True
        for field in (has, name, quantity, mrr, annual, discount):
            differs[:, 1:] |= field[:, 1:] != field[:, :-1]
        row, point = np.nonzero(differs)
        last = np.append(row[1:] != row[:-1], True)
        following = np.append(point[1:], 0)
        valid_to = np.where(last, np.datetime64("NaT"), days[row, following])
        kind = np.where(last, 0, reasons[row, following])
        running = has[row, point]
        frames.append(
            pd.DataFrame(
                {
                    "account": row,
                    "product": name[row, point],
                    "quantity": quantity[row, point],
                    "mrr": mrr[row, point],
                    "discount_pct": discount[row, point],
                    "annual": annual[row, point],
                    "valid_from_on": days[row, point],
                    "valid_to_on": valid_to,
                    "kind": kind,
                    "anchor": anchor[row, point],
                    "anchor_day": anchor_day[row, point],
                    "churn_month": np.where(last, 0, following // 2),
                }
            )[running]
        )
    table = pd.concat(frames, ignore_index=True).sort_values(
        ["account", "valid_from_on", "product"], kind="stable", ignore_index=True
    )
    nth = table.groupby("account").cumcount() + 1
    ids = account_ids(history.numbers)
    rows = table["account"].to_numpy()
    products = np.array([*shop.plans, *shop.add_ons], dtype=object)[table["product"].to_numpy()]
    starts = table["valid_from_on"].to_numpy().astype("datetime64[D]")
    is_free = table["mrr"].to_numpy() == 0
    annual_rows = table["annual"].to_numpy() & ~is_free
    renews = np.where(
        annual_rows,
        _next_anniversary(starts, table["anchor"].to_numpy(), table["anchor_day"].to_numpy()),
        _a_month_later(starts),
    )
    renews = np.where(is_free, np.datetime64("NaT"), renews)
    return pd.DataFrame(
        {
            "subscription_id": [f"SUB-{history.numbers[a] + 1:06d}-{i:02d}" for a, i in zip(rows, nth, strict=True)],
            "account_id": ids[rows],
            "product_id": products,
            "quantity": table["quantity"].to_numpy(float),
            "mrr": table["mrr"].to_numpy(float),
            "discount_pct": np.where(is_free, 0.0, table["discount_pct"].to_numpy(float)),
            "billing": np.where(annual_rows, "annual", "monthly"),
            "valid_from_on": starts,
            "valid_to_on": table["valid_to_on"].to_numpy().astype("datetime64[D]"),
            "renews_on": renews,
            "ended_reason": _reasons(history, table),
        }
    )


def _next_anniversary(day: Dates, month: Ints, of_month: Ints) -> Dates:
    year = day.astype("datetime64[Y]").astype(int) + 1970

    def on(year: Ints) -> Dates:
        return ((year - 1970) * 12 + month).astype("datetime64[M]").astype("datetime64[D]") + of_month

    return np.where(on(year) > day, on(year), on(year + 1))


def _a_month_later(day: Dates) -> Dates:
    month = day.astype("datetime64[M]")
    of_month = (day - month.astype("datetime64[D]")).astype(int)
    return (month + 1).astype("datetime64[D]") + np.minimum(of_month, 27)


def _reasons(history: History, table: pd.DataFrame) -> Objects:
    """Why each row ended; null while it runs, and where only its price or billing changed."""
    kind, rows, month = table["kind"].to_numpy(), table["account"].to_numpy(), table["churn_month"].to_numpy()
    found = np.full(len(table), None, dtype=object)
    found[np.isin(kind, [changes.UPGRADE, changes.MORE_SEATS, changes.ADD_ON, changes.BUNDLE])] = "upgrade"
    found[np.isin(kind, [changes.FEWER_SEATS, changes.DOWNGRADE])] = "downgrade"
    for i in np.flatnonzero(kind == changes.CHURN):
        state, u = history.states[month[i]], history.uniforms[month[i]][rows[i], 17]
        a = rows[i]
        weights = np.array([
            np.exp(0.6 * state.price_sensitivity[a]),
            np.exp(-0.5 * state.fit[a]),
            1.5 * state.serious_ticket[a] + 0.4 * np.exp(-0.5 * state.satisfaction[a]),
            0.25,
            0.4,
        ])  # fmt: skip
        which = int((np.cumsum(weights) / weights.sum() <= u).sum())
        found[i] = ("price", "product", "support", "business_closed", "other")[min(which, 4)]
    return found
