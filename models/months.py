"""Monthly snapshots as accounts × months: what changed between one and the next, and whether somebody had asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog
from features.offers import Part, owns

STILL_ANSWERING_DAYS = 30  # after a contact, whatever changes may be its answer
MORE_SEATS = 1.05  # a step of seats, not a person who joined


@dataclass(frozen=True, eq=False)
class Months:
    """Of N snapshots, each with its place in (accounts × months). -1 where an account has no snapshot in a month."""

    account: np.ndarray  # (N,) its row in the tables below
    month: np.ndarray  # (N,) its column
    is_active: np.ndarray  # (A, M)
    is_asked: np.ndarray  # (A, M): contacted so lately before, or before the next snapshot
    is_asked_now: np.ndarray  # (A, M): contacted before the next snapshot
    tier: np.ndarray  # (A, M)
    seats: np.ndarray
    is_annual: np.ndarray
    add_ons: dict[str, np.ndarray]
    mrr: np.ndarray

    @classmethod
    def of(cls, snapshots: pd.DataFrame, contacts: pd.DataFrame, catalog: Catalog) -> Months:
        """contacts: account_id and proposed_at of every time that somebody asked."""
        account, accounts = pd.factorize(snapshots["account_id"])
        days = pd.DatetimeIndex(np.sort(pd.to_datetime(snapshots["as_of"]).unique()))
        month = days.get_indexer(pd.DatetimeIndex(pd.to_datetime(snapshots["as_of"])))
        shape = (len(accounts), len(days))

        def wide(values: np.ndarray, fill: float = 0.0) -> np.ndarray:
            table = np.full(shape, fill, dtype=values.dtype)
            table[account, month] = values
            return table

        place = {p.id: i for i, p in enumerate(sorted(catalog.plans, key=lambda plan: plan.tier))}
        asked = np.zeros(shape, dtype=bool)
        who = pd.Index(accounts).get_indexer(contacts["account_id"])
        when = pd.DatetimeIndex(pd.to_datetime(contacts["proposed_at"])).normalize().as_unit("us")
        at = days.as_unit("us").searchsorted(when, side="right") - 1  # the snapshot that it follows
        known = (who >= 0) & (at >= 0)
        asked[who[known], at[known]] = True
        asked_now = asked.copy()
        later = known & (at + 1 < len(days))
        following = days.as_unit("us")[np.minimum(at + 1, len(days) - 1)]
        late = later & ((following - when).days < STILL_ANSWERING_DAYS)
        asked[who[late], at[late] + 1] = True
        return cls(
            account=account, month=month,
            is_active=wide(np.ones(len(snapshots), dtype=bool)),
            is_asked=asked, is_asked_now=asked_now,
            tier=wide(snapshots["plan_id"].map(place).to_numpy(dtype="float64", na_value=-1)),
            seats=wide(snapshots["seats"].to_numpy(dtype="float64", na_value=0)),
            is_annual=wide((snapshots["billing"] == "annual").to_numpy(dtype=bool)),
            add_ons={a.id: wide(owns(snapshots, a.id).to_numpy()) for a in catalog.add_ons},
            mrr=wide(snapshots["mrr"].to_numpy(dtype="float64", na_value=0)),
        )  # fmt: skip

    def changes(self, part: Part) -> np.ndarray:
        """(A, M − 1): whether the part's change happened between each snapshot and the next."""
        both = self.is_active[:, :-1] & self.is_active[:, 1:]
        match part.kind:
            case "leave":
                return self.is_active[:, :-1] & ~self.is_active[:, 1:]
            case "tier":
                moved = self.tier[:, 1:] > self.tier[:, :-1]
            case "down":
                moved = self.tier[:, 1:] < self.tier[:, :-1]
            case "seats":
                moved = self.seats[:, 1:] >= MORE_SEATS * self.seats[:, :-1]
            case "add_on":
                moved = self.add_ons[part.of][:, 1:] & ~self.add_ons[part.of][:, :-1]
            case _:
                moved = self.is_annual[:, 1:] & ~self.is_annual[:, :-1]
                if part.of == "monthly":
                    moved = ~self.is_annual[:, 1:] & self.is_annual[:, :-1]
        return np.asarray(both & moved)

    def followed(self, part: Part, n_months: int, exposure: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(N,) whether it happened while nobody had asked, and (N,) how many months were watched, up to `n_months`.

        exposure: (N, n_months or more) what each month counts for (models/exposure.py); 1 where it is not given."""
        moved = self.changes(part)
        watched = np.zeros(len(self.account))
        happened = np.zeros(len(self.account), dtype=bool)
        alive = np.ones(len(self.account), dtype=bool)
        last = self.is_active.shape[1] - 1
        for k in range(n_months):
            column = self.month + k
            inside = column < last
            at = np.minimum(column, last - 1)
            alive &= inside & ~self.is_asked[self.account, at] & self.is_active[self.account, at]
            watched += alive if exposure is None else alive * exposure[:, k]
            happened |= alive & moved[self.account, at]
            alive &= ~moved[self.account, at]
        return happened, watched
