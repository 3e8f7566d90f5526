"""A small world whose response to offers is known: who is pressed or content accepts, and people know whom to ask.

Pressure is drawn anew each month, so that what an account does by itself within a quarter is the mean chance, thrice.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from data.catalog import Catalog

MONTHS = pd.date_range("2025-01-01", periods=14, freq="MS")
OFFERS = ("upgrade_next", "seats_20", "add_storage")
LEVEL = {"upgrade_next": -2.6, "seats_20": -2.0, "add_storage": -1.6}
PREDICTORS = ["limit_active_users_peak_28d", "limit_storage_gb_peak_28d", "gated_next_plan_28d", "health_score"]


@dataclass(frozen=True)
class OfferWorld:
    """snapshots by month; the log; and what the accounts of the last month would answer, by offer."""

    snapshots: pd.DataFrame
    log: pd.DataFrame

    @property
    def accounts(self) -> pd.DataFrame:
        """On the last day."""
        return self.snapshots[self.snapshots["as_of"] == MONTHS[-1]].reset_index(drop=True)


def p_accept(rows: pd.DataFrame, offer: str, discount: np.ndarray | float = 0.0) -> np.ndarray:
    """The truth: pressure on what the offer lifts, contentment, discount."""
    need = {
        "upgrade_next": np.log1p(rows["gated_next_plan_28d"]) / 2.5,
        "seats_20": rows["limit_active_users_peak_28d"],
        "add_storage": rows["limit_storage_gb_peak_28d"],
    }[offer].to_numpy(dtype="float64")
    content = (rows["health_score"].to_numpy(dtype="float64") - 60) / 20
    return expit(LEVEL[offer] + 3.0 * (need - 0.6) + 0.6 * content + 0.06 * discount)


def by_itself(rows: pd.DataFrame) -> np.ndarray:
    """The truth: the chance that an account adds seats this month without being asked."""
    return 0.12 * expit(8 * (rows["limit_active_users_peak_28d"].to_numpy(dtype="float64") - 0.8))


def offer_world(catalog: Catalog, *, n: int = 500, seed: int = 1, asked: float = 0.35) -> OfferWorld:
    """n accounts on Pro for 14 months. A third of the proposals are random; the others follow the need."""
    draw = np.random.default_rng(seed)
    mood = draw.normal(60, 20, n)
    frames, logs = [], []
    seats = np.round(np.exp(draw.normal(3, 0.5, n))) + 2
    for t, day in enumerate(MONTHS):
        press = np.clip(draw.beta(4, 2, (n, 2)) * 1.1, 0, 1.1)
        rows = pd.DataFrame({
            "account_id": [f"A{i:04}" for i in range(n)], "as_of": day, "plan_id": "pro", "plan_tier": 2,
            "seats": seats, "mrr": 99 + 15.0 * seats, "billing": "monthly", "add_ons": None,
            "current_discount_pct": 0.0, "days_to_renewal": 20.0, "limit_active_users_peak_28d": press[:, 0],
            "limit_active_users_latest": press[:, 0], "limit_storage_gb_peak_28d": press[:, 1],
            "limit_storage_gb_latest": press[:, 1], "gated_next_plan_28d": draw.poisson(8 * press[:, 0]),
            "health_score": np.clip(mood + draw.normal(0, 5, n), 0, 100),
        })  # fmt: skip
        frames.append(rows)
        if t < len(MONTHS) - 1:
            logs.append(_asked(rows, draw, asked, first=len(logs) * n))
            said_yes = rows["account_id"].isin(
                logs[-1].loc[(logs[-1]["outcome"] == "accepted") & (logs[-1]["offer_id"] == "seats_20"), "account_id"]
            )
            more = said_yes | (draw.random(n) < by_itself(rows))
            seats = np.where(more, np.ceil(seats * 1.2), seats)
    return OfferWorld(pd.concat(frames, ignore_index=True), pd.concat(logs, ignore_index=True))


def _asked(rows: pd.DataFrame, draw: np.random.Generator, share: float, first: int) -> pd.DataFrame:
    some = rows[draw.random(len(rows)) < share]
    need = np.column_stack([p_accept(some, offer) for offer in OFFERS])
    is_random = draw.random(len(some)) < 1 / 3
    weight = np.where(is_random[:, None], 1.0, np.exp(10 * need))
    total = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    which = np.minimum((total < draw.random(len(some))[:, None]).sum(axis=1), len(OFFERS) - 1)
    offer = np.array(OFFERS, dtype=object)[which]
    discount = np.where(np.isin(offer, ["upgrade_next", "seats_20"]), draw.choice([0.0, 5.0], len(some)), 0.0)
    p = np.choose(which, [p_accept(some, o, discount) for o in OFFERS])
    accepted = draw.random(len(some)) < p
    return pd.DataFrame({
        "proposal_id": [f"P{first + i:05}" for i in range(len(some))], "account_id": some["account_id"].to_numpy(),
        "offer_id": offer, "proposed_at": rows["as_of"].iloc[0] + pd.Timedelta(days=4), "channel": "csm",
        "discount_pct": discount, "pscore": np.where(is_random, 1 / 3, np.nan),
        "outcome": np.where(accepted, "accepted", "declined"),
        "decided_at": rows["as_of"].iloc[0] + pd.Timedelta(days=8),
    })  # fmt: skip
