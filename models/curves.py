"""What plots show of probabilities: curves by system, and how much each feature moves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from models.blocks import target
from models.evaluation import Scale


def curves(y: pd.Series[Any], systems: Mapping[str, np.ndarray], n_points: int = 200) -> dict[str, pd.DataFrame]:
    """What plots show, one row per system and point: `roc`, `precision_recall`, `gains` and `calibration`.

    Empty where `y` has one class only.
    """
    truth = target(y)
    frames: dict[str, list[pd.DataFrame]] = {"roc": [], "precision_recall": [], "gains": [], "calibration": []}
    has_both = 0 < truth.sum() < len(truth)
    for name, p in systems.items() if has_both else ():
        scale = Scale(truth, np.asarray(p, dtype="float64"), np.zeros(len(truth), int))
        hits = np.add.reduceat(truth[scale.order], scale.starts)
        seen = np.append(scale.starts[1:], len(truth)).astype("float64")
        found = np.cumsum(hits)
        # Evenly over the rows; the ends always.
        at = np.unique(np.searchsorted(seen, np.linspace(seen[0], len(truth), n_points)))
        recall, precision = found[at] / truth.sum(), found[at] / seen[at]
        false_rate = (seen[at] - found[at]) / (len(truth) - truth.sum())
        start = np.zeros(1)
        frames["roc"].append(
            pd.DataFrame(
                {"false_positive_rate": np.append(start, false_rate), "true_positive_rate": np.append(start, recall)}
            )
        )
        frames["precision_recall"].append(pd.DataFrame({"recall": recall, "precision": precision}))
        frames["gains"].append(
            pd.DataFrame(
                {"share_contacted": np.append(start, seen[at] / len(truth)), "share_found": np.append(start, recall)}
            )
        )
        counts = scale.bins @ np.diff(seen, prepend=0)
        predicted = scale.bins @ (np.diff(seen, prepend=0) * scale.p[scale.order][scale.starts]) / counts
        frames["calibration"].append(
            pd.DataFrame({"predicted": predicted, "observed": scale.bins @ hits / counts, "n_rows": counts})[::-1]
        )
        for frame in frames.values():
            frame[-1].insert(0, "system", name)
    columns = {
        "roc": ["system", "false_positive_rate", "true_positive_rate"],
        "precision_recall": ["system", "recall", "precision"],
        "gains": ["system", "share_contacted", "share_found"],
        "calibration": ["system", "predicted", "observed", "n_rows"],
    }
    return {
        name: pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns[name])
        for name, parts in frames.items()
    }


def importance(features: tuple[str, ...], contributions: np.ndarray, gain: np.ndarray) -> pd.DataFrame:
    """One row per feature, the most important first: mean |contribution| (log-odds), its share, and share of gain."""
    mean = np.abs(contributions[:, :-1]).mean(axis=0) if len(contributions) else np.zeros(len(features))
    whole = mean.sum() or 1.0
    table = pd.DataFrame(
        {"feature": features, "mean_abs_contribution": mean, "share": mean / whole, "gain": gain / (gain.sum() or 1.0)}
    )
    return table.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True], ignore_index=True)
