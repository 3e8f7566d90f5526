"""Who ran which product in which month, in arrays; and the same for single accounts, each on a day of its own."""

from functools import cache

import numpy as np
import pandas as pd

from data.catalog import Catalog


class Grid:
    """Accounts × whole months known, in arrays: as they stood before the month's first day, and what they add in it."""

    def __init__(self, known: pd.DataFrame, catalog: Catalog, until: pd.Timestamp, within_days: int) -> None:
        self.window, self.until = np.timedelta64(within_days, "D"), until
        self.accounts = pd.Index(sorted(known["account_id"].unique()))
        first = known["started_on"].min() if len(known) else until
        edges = pd.date_range(first.to_period("M").start_time, until, freq="MS").to_numpy().astype("datetime64[us]")
        self.months, self.ends = edges[:-1], edges[1:]
        self.tiers = {plan.id: plan.tier for plan in catalog.plans}
        self.starts = {p: self._spans(known, p) for p in catalog.products}
        shape = len(self.accounts), len(self.months)
        self.plan = np.full(shape, -1)
        for number, plan in enumerate(sorted(catalog.plans, key=lambda plan: plan.tier)):
            self.plan[self.running(plan.id, self.months)] = number  # of several, the highest tier
        self.order = [plan.id for plan in sorted(catalog.plans, key=lambda plan: plan.tier)]
        # each is asked for by many pairs
        self.free = cache(lambda product: self.could_add(product, self.months, self.plan))
        self.added = cache(lambda product: self.started(product, self.months, self.ends))
        self.lately = cache(lambda product: self.started(product, self.months - self.window, self.months))
        self.has = cache(lambda product: self.running(product, self.months))

    def _spans(self, known: pd.DataFrame, product: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        mine = known[known["product_id"] == product]
        at = self.accounts.get_indexer(mine["account_id"])
        return at, *(mine[name].to_numpy().astype("datetime64[us]") for name in ("started_on", "ended_on"))

    def running(self, product: str, days: np.ndarray) -> np.ndarray:
        """Accounts × days: whether the product ran on the day before."""
        found = np.zeros((len(self.accounts), len(days)), dtype=bool)
        for at, start, end in zip(*self.starts[product], strict=True):
            found[at] |= (days > start) & (days <= end)
        return found

    def started(self, product: str, since: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Accounts × days: whether the product, or a plan above it, was started in [since, before)."""
        found = np.zeros((len(self.accounts), len(since)), dtype=bool)
        for other in self.at_least(product):
            for at, start, _ in zip(*self.starts[other], strict=True):
                found[at] |= (start >= since) & (start < before)
        return found

    def at_least(self, product: str) -> list[str]:
        """The product; of a plan, also those above it, which hold as much."""
        if product not in self.tiers:
            return [product]
        return [plan for plan in self.order if self.tiers[plan] >= self.tiers[product]]

    def could_add(self, product: str, days: np.ndarray, plan: np.ndarray) -> np.ndarray:
        """Accounts × days: on a plan, and without the product (of a plan: below it)."""
        free = plan >= 0
        for other in self.at_least(product):
            free &= ~self.running(other, days)
        return free


def plan_on(grid: Grid, at: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The plan's place in the order of tiers on each account's day; -1 for none."""
    plan = np.full(len(at), -1)
    for number, name in enumerate(grid.order):
        plan[_runs_on(grid, name, at, days)] = number
    return plan


def _runs_on(grid: Grid, product: str, at: np.ndarray, days: np.ndarray) -> np.ndarray:
    place = {account: i for i, account in enumerate(at)}
    found = np.zeros(len(at), dtype=bool)
    for account, start, end in zip(*grid.starts[product], strict=True):
        if (i := place.get(account)) is not None:
            found[i] |= start <= days[i] < end
    return found


def has_on(grid: Grid, product: str, at: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Whether each account ran the product, or a plan above it, on its day."""
    found = np.zeros(len(at), dtype=bool)
    for other in grid.at_least(product):
        found |= _runs_on(grid, other, at, days)
    return found


def starts_within(grid: Grid, product: str, at: np.ndarray, since: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Whether each account began to run the product, or a plan above it, after `since` and before `before`."""
    place = {account: i for i, account in enumerate(at)}
    found = np.zeros(len(at), dtype=bool)
    for other in grid.at_least(product):
        for account, start, _ in zip(*grid.starts[other], strict=True):
            if (i := place.get(account)) is not None:
                found[i] |= since[i] < start < before[i]
    return found
