"""May a new model take the champion's place? Both are scored on the same rows, which neither has learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models import evaluation
from models.evaluation import Measured
from models.settings import Evaluation


@dataclass(frozen=True)
class Decision:
    """Whether the challenger becomes champion, why in a sentence, and the figures behind it."""

    is_promoted: bool
    reason: str
    # log loss: the challenger's, the champion's, and the paired difference with its interval
    challenger: float | None = None
    champion: float | None = None
    difference: Measured | None = None


def decide(
    y: pd.Series[Any],
    challenger: np.ndarray,
    champion: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
) -> Decision:
    """Promote the challenger where its log loss on these rows is no higher than the champion's.

    >>> y = pd.Series([0, 0, 0, 1] * 20)
    >>> good, poor = 0.1 + 0.6 * y.to_numpy(), np.full(80, 0.25)
    >>> decide(y, poor, good, settings=Evaluation(), seed=0).is_promoted
    False
    >>> decide(y, good, good, settings=Evaluation(), seed=0).is_promoted
    True
    """
    compared = evaluation.compare(
        y, {"challenger": challenger, "champion": champion}, settings=settings, seed=seed, groups=groups
    )
    ours, theirs = (compared.metrics[name]["log_loss"].value for name in ("challenger", "champion"))
    difference = compared.differences["champion"]["log_loss"]
    if ours is None or theirs is None or difference.value is None:
        return Decision(False, "the champion stays: the test block has one class only, so nothing can be compared")
    interval = f"{settings.interval:.0%} interval {difference.low:+.5f} to {difference.high:+.5f}"
    figures = (
        f"log loss {ours:.5f} against {theirs:.5f} on the same {compared.n_rows} rows "
        f"(difference {difference.value:+.5f}, {interval})"
    )
    is_promoted = difference.value <= 0
    reason = f"promoted, not worse than the champion: {figures}" if is_promoted else f"the champion stays: {figures}"
    return Decision(is_promoted, reason, ours, theirs, difference)
