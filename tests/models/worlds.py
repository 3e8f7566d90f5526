"""Made-up tables whose truth is known. Nothing in them is about accounts: learning does not know what a row is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit


@dataclass(frozen=True)
class World:
    X: pd.DataFrame
    y: pd.Series
    blocks: pd.Series
    groups: pd.Series
    periods: pd.Series
    p: np.ndarray

    @property
    def is_test(self) -> np.ndarray:
        return (self.blocks == "test").to_numpy()


def make(*, signal: float = 1.0, n_groups: int = 600, n_periods: int = 10, n_noise: int = 12, seed: int = 0) -> World:
    """Groups seen in every period; a target with steps and an interaction, with text, gaps, flags and dead columns."""
    rng = np.random.default_rng(seed)
    n = n_groups * n_periods
    group, period = np.repeat(np.arange(n_groups), n_periods), np.tile(np.arange(n_periods), n_groups)
    lasting = rng.normal(size=(n_groups, 4 + n_noise))[group]
    values = 0.8 * lasting + 0.6 * rng.normal(size=lasting.shape)
    X = pd.DataFrame(values, columns=["use", "seats", "limit", "csat", *(f"noise_{i}" for i in range(n_noise))])
    X["plan"] = pd.Series(rng.choice(["free", "pro", "team"], n_groups)[group], dtype="str")
    X["is_monthly"] = pd.Series(rng.random(n) < 0.4, dtype="boolean")
    X["empty"] = np.nan
    X["country"] = pd.Series(["DE"] * n, dtype="str")
    X.loc[rng.random(n) < 0.3, "csat"] = np.nan
    X.loc[rng.random(n) < 0.1, "plan"] = None
    X.loc[rng.random(n) < 0.1, "is_monthly"] = pd.NA
    cause = (
        2.0 * ((X["use"] > 0) & (X["seats"] > 0))
        + 1.0 * (X["limit"] > 0.8)
        + 0.9 * (X["plan"] == "team")
        + 0.7 * X["csat"].isna()
    )
    p = expit(-2.0 + signal * (cause.to_numpy(dtype="float64") - 1.0))
    block = np.select([period < 0.6 * n_periods, period < 0.8 * n_periods], ["train", "validation"], "test")
    return World(X, pd.Series(rng.random(n) < p), pd.Series(block), pd.Series(group), pd.Series(period), p)
