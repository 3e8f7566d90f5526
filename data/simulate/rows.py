"""From a block's history to the ten raw tables' rows."""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.simulate import month as change_kinds
from data.simulate.history import History
from data.simulate.names import REGIONS, company_name
from data.simulate.selling import NONE
from data.simulate.shop import Shop
from data.simulate.state import GREEN, Bools, Floats
from data.simulate.streams import ROWS, draw
from data.simulate.world import World

SENTIMENTS = ("red", "yellow", "green")
INDUSTRIES = ("software", "manufacturing", "retail", "finance", "healthcare", "education", "media", "logistics", "construction", "public_sector")  # fmt: skip
EPOCH = np.datetime64("1970-01-01", "D")


def account_ids(numbers: NDArray[np.int64]) -> NDArray[np.object_]:
    """Ids of accounts: their number and nothing else.

    >>> account_ids(np.array([0, 41]))
    array(['ACC-000001', 'ACC-000042'], dtype=object)
    """
    return np.array([f"ACC-{number + 1:06d}" for number in numbers], dtype=object)


def region_of(u: NDArray[np.floating]) -> NDArray[np.int64]:
    """Position among REGIONS."""
    return np.searchsorted([0.38, 0.74, 0.88], u, side="right")


def owner_of(
    world: World, numbers: NDArray[np.int64], region: NDArray[np.int64], u: NDArray[np.floating]
) -> NDArray[np.int64]:
    """The CSM's number, within the account's region: five CSMs for each five times `accounts_per_csm` accounts."""
    team = numbers // (5 * world.accounts_per_csm)
    within = np.where(region == 0, (u * 2).astype(int), np.where(region == 1, 2 + (u * 2).astype(int), 4))
    return team * 5 + within + 1


def day_of(history: History, t: int) -> np.datetime64:
    """The first day of month `t`."""
    return np.datetime64(history.months[t].starts_on, "D")


def accounts(world: World, shop: Shop, history: History, ends_on: date, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`accounts` and `account_changes`."""
    ids, u0 = account_ids(history.numbers), history.trait_uniforms
    n = len(ids)
    _, u = draw(seed, [int(x) for x in history.numbers], ROWS, normals=(1,), uniforms=(24,))
    region = region_of(u[:, 0])
    starts = np.array([day_of(history, t) for t in range(len(history.months))])
    signed_up = starts[history.born] + history.born_day
    owner = owner_of(world, history.numbers, region, u[:, 1])
    first, last = history.states[0], history.states[-1]
    has_owner = first.has_owner
    employees_at_start = np.maximum(np.round(np.exp(first.log_users) * (2 + 14 * u[:, 2] ** 2)), 2)
    changes: list[pd.DataFrame] = []

    def note(rows: NDArray[np.int64], when: NDArray[np.datetime64], name: str, value: NDArray[np.object_]) -> None:
        changes.append(pd.DataFrame({"account_id": ids[rows], "changed_at": when, "field": name, "value": value}))

    def text(numbers: NDArray[np.int64], has: Bools) -> NDArray[np.object_]:
        return np.array([f"CSM-{x:02d}" if h else None for x, h in zip(numbers, has, strict=True)], dtype=object)

    everyone = np.arange(n)
    signed_at = signed_up.astype("datetime64[us]") + np.timedelta64(9, "h")
    # The owner changes once for some; consent is withdrawn or given by few.
    end = np.datetime64(ends_on, "D")
    tenure = (end - signed_up).astype(int)
    moves = (u[:, 3] < 0.18) & has_owner & (tenure > 60)
    moved_at = signed_at + (np.maximum(tenure * (0.2 + 0.75 * u[:, 4]), 1)).astype(int).astype("timedelta64[D]")
    earlier = owner_of(world, history.numbers, region, np.where(moves, (u[:, 1] + 0.5) % 1, u[:, 1]))
    note(everyone, signed_at, "owner_id", text(earlier, has_owner))
    rows = np.flatnonzero(moves)
    note(rows, moved_at[rows], "owner_id", text(owner, has_owner)[rows])
    note(everyone, signed_at, "has_opted_in", np.where(first.is_opted_in, "true", "false").astype(object))
    note(everyone, signed_at, "employee_count", employees_at_start.astype(int).astype(str).astype(object))
    employees = employees_at_start.copy()
    note(everyone, signed_at, "csm_sentiment", np.where(has_owner, "green", None).astype(object))
    sentiment = np.full(n, GREEN)
    do_not = np.full(n, np.datetime64("NaT"), dtype="datetime64[D]")
    for t in range(1, len(history.months) + 1):
        state = history.states[t]
        # What the CSM notes during month t - 1 stands at the start of month t.
        lived = (history.born < t - 1) & state.is_active
        differs = lived & has_owner & (state.csm_sentiment != sentiment)
        rows = np.flatnonzero(differs)
        when = starts[t - 1].astype("datetime64[us]") + (np.minimum((history.uniforms[t - 1][:, 14] * 80).astype(int), 27)).astype("timedelta64[D]")  # fmt: skip
        when = when + np.timedelta64(16, "h")
        note(rows, when[rows], "csm_sentiment", np.array(SENTIMENTS, dtype=object)[state.csm_sentiment[rows]])
        sentiment = np.where(differs, state.csm_sentiment, sentiment)
        if history.months[t - 1].of_year % 6 == 5:  # firmographics are refreshed twice a year
            grown = np.maximum(np.round(employees_at_start * np.exp(0.7 * (state.log_users - first.log_users))), 2)
            rows = np.flatnonzero(lived & (np.abs(grown / employees - 1) > 0.05))
            note(rows, np.full(len(rows), starts[t - 1].astype("datetime64[us]") + np.timedelta64(20 * 24 + 3, "h")), "employee_count", grown[rows].astype(int).astype(str).astype(object))  # fmt: skip
            employees[rows] = grown[rows]
        # "Do not write to us before …": after some refusals.
        made = (
            history.changes[t - 1].proposal_made
            & ~history.changes[t - 1].is_accepted
            & (history.proposals[t - 1].offer != NONE)
        )
        rows = np.flatnonzero(made & (history.uniforms[t - 1][:, 17] > 0.97))
        on = starts[t - 1] + 28
        until = on + np.timedelta64(90, "D")
        if on < end:
            note(rows, np.full(len(rows), on.astype("datetime64[us]") - np.timedelta64(8, "h")), "do_not_contact_until", np.full(len(rows), str(until), dtype=object))  # fmt: skip
            do_not[rows] = until
    known = pd.concat(changes, ignore_index=True).sort_values(
        ["account_id", "changed_at", "field"], kind="stable", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "account_id": ids,
            "account_name": [company_name(REGIONS[r], u[i, 6:11], i) for i, r in enumerate(region)],
            "industry": np.where(
                u[:, 11] < 0.04, None, np.array(INDUSTRIES, dtype=object)[(u[:, 12] * 10).astype(int)]
            ),
            "employee_count": pd.array(employees.astype(int), dtype="Int64"),
            "region": np.where(u[:, 13] < 0.02, None, np.array(REGIONS, dtype=object)[region]),
            "signed_up_on": signed_up,
            "owner_id": text(owner, has_owner),
            "csm_sentiment": np.where(has_owner, np.array(SENTIMENTS, dtype=object)[sentiment], None),
            "has_opted_in": pd.array(first.is_opted_in, dtype="boolean"),
            "do_not_contact_until": do_not,
        }
    )
    del last, u0
    return table, known[known["changed_at"] < end.astype("datetime64[us]")].reset_index(drop=True)


def subscriptions(world: World, shop: Shop, history: History) -> pd.DataFrame:
    """One row per account × product × period of unchanged terms, from the change points of the terms."""
    months = len(history.months)
    n, K = len(history.numbers), len(shop.add_ons)
    points = [x for t in range(months) for x in (history.repriced[t], history.changed[t])]
    days = np.empty((n, 2 * months), "datetime64[D]")
    reasons = np.zeros((n, 2 * months), int)
    for t in range(months):
        days[:, 2 * t] = day_of(history, t)
        days[:, 2 * t + 1] = day_of(history, t) + history.changes[t].day
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
            )[running]  # fmt: skip
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


def _next_anniversary(
    day: NDArray[np.datetime64], month: NDArray[np.int64], of_month: NDArray[np.int64]
) -> NDArray[np.datetime64]:
    year = day.astype("datetime64[Y]").astype(int) + 1970

    def on(year: NDArray[np.int64]) -> NDArray[np.datetime64]:
        return ((year - 1970) * 12 + month).astype("datetime64[M]").astype("datetime64[D]") + of_month

    return np.where(on(year) > day, on(year), on(year + 1))


def _a_month_later(day: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    month = day.astype("datetime64[M]")
    of_month = (day - month.astype("datetime64[D]")).astype(int)
    return (month + 1).astype("datetime64[D]") + np.minimum(of_month, 27)


def _reasons(history: History, table: pd.DataFrame) -> NDArray[np.object_]:
    """Why each row ended; null while it runs, and where only its price or billing changed."""
    kind, rows, month = table["kind"].to_numpy(), table["account"].to_numpy(), table["churn_month"].to_numpy()
    found = np.full(len(table), None, dtype=object)
    found[np.isin(kind, [change_kinds.UPGRADE, change_kinds.MORE_SEATS, change_kinds.ADD_ON, change_kinds.BUNDLE])] = (
        "upgrade"
    )
    found[np.isin(kind, [change_kinds.FEWER_SEATS, change_kinds.DOWNGRADE])] = "downgrade"
    for i in np.flatnonzero(kind == change_kinds.CHURN):
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


def proposals(shop: Shop, history: History, ends_on: date) -> pd.DataFrame:
    """Offers put to accounts within the window, and those withheld."""
    end = np.datetime64(ends_on, "us")
    ids = account_ids(history.numbers)
    frames = []
    names = np.array([*[o.id for o in shop.offers], "none"], dtype=object)
    for t in range(history.n_before, len(history.months)):
        offered, change, u, month = history.proposals[t], history.changes[t], history.uniforms[t], history.months[t]
        rows = np.flatnonzero(change.proposal_made)
        offer, accepted = offered.offer[rows], change.is_accepted[rows]
        start = np.datetime64(month.starts_on, "us")
        minutes = (9 * 60 + (u[rows, 3] * 997 % 1) * 480).astype(int).astype("timedelta64[m]")
        proposed = start + month.proposal_day(u[rows, 9]).astype("timedelta64[D]") + minutes
        decided = start + month.decision_day(u[rows, 9], u[rows, 16]).astype("timedelta64[D]") + minutes
        none = offer == NONE
        state = history.states[t]
        answers = ~none & ~accepted & (u[rows, 17] < 0.45 + 0.08 * state.champion[rows])
        silent = ~none & ~accepted & ~answers
        late = proposed + np.timedelta64(30, "D")
        still_open = silent & (late >= end) | none & (late >= end)
        outcome = np.select([accepted, answers, still_open], ["accepted", "declined", "open"], "no_response").astype(
            object
        )
        reason = np.full(len(rows), None, dtype=object)
        refusals = np.array(["price", "timing", "no_need", "competitor", "no_budget", "other"], dtype=object)
        need = offered.p_accept[rows]
        weights = np.column_stack([
            0.5 * np.exp(0.7 * state.price_sensitivity[rows]), np.full(len(rows), 0.8), 1.4 * np.exp(-3 * need),
            np.full(len(rows), 0.15), 0.6 * np.exp(-0.6 * state.budget[rows]), np.full(len(rows), 0.3),
        ])  # fmt: skip
        which = (np.cumsum(weights, axis=1) <= ((u[rows, 17] * 613) % 1 * weights.sum(axis=1))[:, None]).sum(axis=1)
        reason[answers] = refusals[np.minimum(which, 5)][answers]
        channels = np.array([[*o.channels, *o.channels[:1] * 3][:3] for o in shop.offers], dtype=object)
        frames.append(
            pd.DataFrame(
                {
                    "account": rows,
                    "offer_id": names[offer],
                    "proposed_at": proposed,
                    "channel": np.where(none, None, channels[np.maximum(offer, 0), offered.channel[rows]]),
                    "discount_pct": offered.discount[rows],
                    "pscore": offered.pscore[rows],
                    "outcome": outcome,
                    "decided_at": np.where(accepted | answers, decided, np.datetime64("NaT")),
                    "reason": reason,
                }
            )  # fmt: skip
        )
    table = pd.concat(frames, ignore_index=True).sort_values(
        ["account", "proposed_at"], kind="stable", ignore_index=True
    )
    nth = table.groupby("account").cumcount() + 1
    rows = table.pop("account").to_numpy()
    table.insert(0, "account_id", ids[rows])
    table.insert(
        0, "proposal_id", [f"PRP-{history.numbers[a] + 1:06d}-{i:02d}" for a, i in zip(rows, nth, strict=True)]
    )
    return table


def relations(shop: Shop, history: History, ends_on: date, world: World) -> dict[str, pd.DataFrame]:
    """`tickets`, `surveys`, `touchpoints` and `life_events` within the window."""
    ids = account_ids(history.numbers)
    end = np.datetime64(ends_on, "us")
    tickets, surveys, touchpoints, life = [], [], [], []
    responds = history.trait_uniforms[:, 9] < world.survey_rate
    for t in range(history.n_before, len(history.months)):
        month, u, before, after = history.months[t], history.uniforms[t], history.states[t], history.states[t + 1]
        start = np.datetime64(month.starts_on, "us")
        # Only days on which the account was a customer all day.
        gone = ~after.is_active | ~before.is_active
        n_tickets = np.where(gone, 0, history.tickets[t])
        serious = after.serious_ticket & ~gone
        rows = np.repeat(np.arange(len(ids)), n_tickets)
        nth = np.arange(len(rows)) - np.repeat(np.cumsum(n_tickets) - n_tickets, n_tickets)
        # One uniform is stretched into several by multiplication with large numbers: enough for rows that nothing else reads.
        a, b, c, d = (
            (u[rows, 10].astype(float) * f + 0.37 * nth) % 1 for f in (7919.0, 104729.0, 1299709.0, 15485863.0)
        )
        is_serious = serious[rows] & (nth == 0)
        opened = start + (a * month.n_days * 24 * 60).astype(int).astype("timedelta64[m]")
        hours = np.exp(2.2 + 1.3 * (b * 2 - 1) + 1.2 * is_serious + 0.5 * (before.satisfaction[rows] < -0.8)) * 2
        closed = opened + np.maximum(hours * 60, 20).astype(int).astype("timedelta64[m]")
        score = np.clip(np.round(4.1 + 0.7 * before.satisfaction[rows] - 1.1 * is_serious + 1.6 * (c - 0.5)), 1, 5)
        is_open = closed >= end
        tickets.append(
            pd.DataFrame(
                {
                    "account": rows,
                    "opened_at": opened,
                    "closed_at": np.where(is_open, np.datetime64("NaT"), closed),
                    "severity": np.where(
                        is_serious, np.where(d < 0.3, "urgent", "high"), np.where(d < 0.45, "low", "normal")
                    ),
                    "category": np.where(
                        is_serious,
                        np.where(d < 0.85, "bug", "billing"),
                        np.array(["bug", "how_to", "how_to", "feature_request", "billing"], dtype=object)[
                            np.minimum((d * 5).astype(int), 4)
                        ],
                    ),
                    "csat": pd.array(np.where(is_open | (c * 37 % 1 > 0.55), np.nan, score), dtype="Float64").astype(
                        "Int64"
                    ),
                }
            )  # fmt: skip
        )
        # A survey every fifth month for each account, answered by those who answer such things.
        asked = (history.numbers + t) % 5 == 0
        answers = asked & responds & ~gone & (u[:, 17] < 0.75)
        rows = np.flatnonzero(answers)
        spread = u[rows, 14] * 2.4 - 1.2
        nps = np.clip(np.round(7.9 + 1.6 * before.satisfaction[rows] + spread + 0.5 * before.champion[rows]), 0, 10)
        at = start + (5 * 24 + u[rows, 17] * 15 * 24).astype(int).astype("timedelta64[h]") + np.timedelta64(13, "m")
        surveys.append(pd.DataFrame({"account": rows, "answered_at": at, "nps": nps.astype(int)}))
        # Meetings: onboarding at first, then check-ins and reviews, more where a champion is.
        young = (t - history.born) <= 2
        rate = np.where(young, 0.7, 0.14 + 0.05 * np.tanh(before.champion) + 0.08 * (before.seats > 40)) * (
            before.has_owner | young
        )
        held = ~gone & (u[:, 15] < rate)
        trained = (
            history.changes[t].is_accepted
            & np.isin(
                np.array([o.kind for o in shop.offers])[np.maximum(history.proposals[t].offer, 0)], ["enablement"]
            )
            & ~gone
        )
        rows = np.flatnonzero(held | trained)
        v = u[rows, 15] / np.maximum(rate[rows], 1e-9) % 1
        kind = np.where(
            v < 0.55, "check_in", np.where(v < 0.82, "business_review", np.where(v < 0.93, "training", "demo"))
        ).astype(object)
        kind = np.where(young[rows], np.where(v < 0.75, "onboarding", "training"), kind)
        kind = np.where(trained[rows], "training", kind)
        at = start + ((u[rows, 16] * 26).astype(int) * 24 + 8 + (v * 71 % 1 * 9).astype(int)).astype("timedelta64[h]")
        n_people = 1 + np.minimum((np.sqrt(before.seats[rows]) * (0.3 + v * 53 % 1) * 0.6).astype(int), 30)
        has_executive = (v * 997 % 1) < 0.12 + 0.16 * (1 / (1 + np.exp(-1.5 * before.champion[rows])))
        touchpoints.append(
            pd.DataFrame(
                {"account": rows, "held_at": at, "kind": kind, "n_attendees": n_people, "has_executive": has_executive}
            )
        )
        rows = np.flatnonzero((after.life_age == 0) & (history.born < t) & ~gone)
        v = u[rows, 12] * 6089 % 1
        kinds = np.array(
            ["funding", "hiring", "hiring", "new_office", "new_business", "merger", "reorganisation"], dtype=object
        )
        on = np.datetime64(month.starts_on, "D") + (u[rows, 12] * 104729 % 1 * month.n_days).astype(int)
        life.append(
            pd.DataFrame({"account": rows, "happened_on": on, "kind": kinds[np.minimum((v * 7).astype(int), 6)]})
        )

    def finish(frames: list[pd.DataFrame], stamp: str, prefix: str | None) -> pd.DataFrame:
        table = pd.concat(frames, ignore_index=True)
        table = table.sort_values(["account", stamp], kind="stable", ignore_index=True)
        nth = table.groupby("account").cumcount() + 1
        rows = table.pop("account").to_numpy()
        table.insert(0, "account_id", ids[rows])
        if prefix:
            table.insert(
                0,
                f"{prefix[0]}",
                [f"{prefix[1:]}-{history.numbers[a] + 1:06d}-{i:03d}" for a, i in zip(rows, nth, strict=True)],
            )
        return table

    found = {"tickets": finish(tickets, "opened_at", None), "surveys": finish(surveys, "answered_at", None)}
    ticket = found["tickets"]
    nth = ticket.groupby("account_id").cumcount() + 1
    ticket.insert(0, "ticket_id", [f"TCK-{a[4:]}-{i:03d}" for a, i in zip(ticket["account_id"], nth, strict=True)])
    found["touchpoints"] = finish(touchpoints, "held_at", None)
    found["life_events"] = finish(life, "happened_on", None)
    return found


def levels(shop: Shop, history: History) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """For every day of the window: its month's position (days,), active users (n, days), metered levels (n, days, M)."""
    window = range(history.n_before, len(history.months))
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
    for t in range(history.n_before, len(history.months)):
        before_change = np.arange(history.months[t].n_days) < history.changes[t].day[:, None]
        found.append(
            np.where(before_change, history.repriced[t].is_active[:, None], history.changed[t].is_active[:, None])
        )
    return np.concatenate(found, axis=1)


def season(history: History, days: NDArray[np.datetime64], region: NDArray[np.int64]) -> Floats:
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
