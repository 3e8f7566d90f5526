"""A row, an offer, a channel and a discount as numbers that a linear model can use; the same for every offer.

Groups of columns are penalised differently: an offer's own level is pulled to that of its kind, what a kind makes of a
column to what all make of it. An offer that was never seen has the level of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FAR = 4.0  # standard deviations at which a column is cut off
SKEWED = 20.0  # columns that reach further than this are read by their logarithm
OFTEN_UNKNOWN = 0.05
# How strongly each group is pulled to zero, in rows' worth of information.
PENALTIES = {
    "terms": 0.5, "kind": 1.0, "offer": 8.0, "relative": 3.0, "by_kind": 6.0, "account": 12.0, "unknown": 20.0,
}  # fmt: skip
BY_KIND = ("press_peak", "press_latest", "met_tier", "met_add_on", "added_share", "idle_seats", "alone")
TERMS = ("discount_pct", "is_remote")


@dataclass(frozen=True, eq=False)
class OfferDesign:
    """Learnt from the rows of a log: `raw` columns in, `names` out."""

    raw: list[str]
    is_log: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    unknown: list[str]  # raw columns whose being unknown is a column too
    n_relative: int  # of `raw`, the first so many are the offer's as the account meets it
    knots: dict[str, list[float]]
    kinds: list[str]
    offers: list[str]
    channels: list[str]

    @classmethod
    def learn(
        cls, table: np.ndarray, raw: Sequence[str], n_relative: int, what: pd.DataFrame, knotted: Sequence[str]
    ) -> OfferDesign:
        """table: (n, raw) with nan where unknown; what: kind, offer_id, channel, discount_pct of each row."""
        with np.errstate(invalid="ignore"):
            reach = np.nanmax(np.abs(np.where(np.isnan(table), 0, table)), axis=0) if len(table) else np.zeros(len(raw))
        is_log = reach > SKEWED
        moved = _logged(table, is_log)
        known = ~np.isnan(moved)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, moved, 0).sum(axis=0) / count
        scale = np.sqrt(np.where(known, (moved - mean) ** 2, 0).sum(axis=0) / count)
        gone = 1 - known.mean(axis=0) if len(table) else np.zeros(len(raw))
        names = list(raw)
        knots = {}
        for name in knotted:
            values = table[:, names.index(name)]
            some = values[values > 0]
            if len(some) >= 50:
                knots[name] = [float(v) for v in np.unique(np.round(np.quantile(some, [0.5, 0.75, 0.9]), 4))]
        return cls(
            names, is_log, mean, np.where(scale > 1e-9, scale, 1.0),
            [n for n, g in zip(names, gone, strict=True) if OFTEN_UNKNOWN < g < 1 - OFTEN_UNKNOWN], n_relative, knots,
            sorted(what["kind"].unique()), sorted(what["offer_id"].unique()), sorted(what["channel"].dropna().unique()),
        )  # fmt: skip

    @property
    def columns(self) -> list[tuple[str, str]]:
        """(name, group) of each column of `matrix`, in order."""
        by_kind = [n for n in BY_KIND if n in self.raw]
        return [
            ("discount_pct", "terms"), ("is_remote", "terms"),
            *((f"channel={c}", "kind") for c in self.channels),
            *((f"kind={k}", "kind") for k in self.kinds),
            *((f"offer={o}", "offer") for o in self.offers),
            *((n, "relative" if i < self.n_relative else "account") for i, n in enumerate(self.raw)),
            *((f"{n} above {at:g}", "relative") for n, places in self.knots.items() for at in places),
            *((f"{n} ({k})", "by_kind") for n in by_kind for k in self.kinds),
            *((f"{n} unknown", "unknown") for n in self.unknown),
        ]  # fmt: skip

    @property
    def penalty(self) -> np.ndarray:
        """(columns,) for `ridge.fit`."""
        return np.array([PENALTIES[group] for _, group in self.columns])

    def matrix(self, table: np.ndarray, what: pd.DataFrame) -> np.ndarray:
        """(n, columns) float64, every value known."""
        moved = (_logged(table, self.is_log) - self.mean) / self.scale
        z = np.clip(np.where(np.isnan(moved), 0.0, moved), -FAR, FAR)
        kind, offer = what["kind"].to_numpy(), what["offer_id"].to_numpy()
        channel = what["channel"].to_numpy()
        is_kind = {k: (kind == k).astype(float) for k in self.kinds}
        at = {n: j for j, n in enumerate(self.raw)}
        parts = [what["discount_pct"].to_numpy(dtype="float64") / 10, (channel != "csm").astype(float)]
        parts += [(channel == c).astype(float) for c in self.channels]
        parts += list(is_kind.values())
        parts += [(offer == o).astype(float) for o in self.offers]
        parts += list(z.T)
        parts += [
            np.maximum(np.nan_to_num(table[:, at[n]]) - place, 0) / max(self.scale[at[n]], 1e-3)
            for n, places in self.knots.items()
            for place in places
        ]
        parts += [z[:, at[n]] * is_kind[k] for n in BY_KIND if n in at for k in self.kinds]
        parts += [np.isnan(table[:, at[n]]).astype(float) for n in self.unknown]
        return np.column_stack(parts)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        arrays = {n: getattr(self, n).tolist() for n in ("is_log", "mean", "scale")}
        rest = {n: getattr(self, n) for n in ("raw", "unknown", "n_relative", "knots", "kinds", "offers", "channels")}
        return {**rest, **arrays}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> OfferDesign:
        """From what `to_json` gave."""
        arrays = {n: np.array(content[n]) for n in ("is_log", "mean", "scale")}
        return cls(**{**content, **arrays})


def _logged(table: np.ndarray, is_log: np.ndarray) -> np.ndarray:
    table = table.astype("float64")
    return np.where(is_log, np.sign(table) * np.log1p(np.abs(table)), table)
