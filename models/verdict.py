"""Is there a signal to act on? The sentence that every report begins with, and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from models.bootstrap import Measured
from models.evaluation import Comparison, compare
from models.settings import Evaluation


@dataclass(frozen=True)
class Verdict:
    """Whether there is a signal to act on (None: it cannot be judged), and the sentence that says so."""

    is_better_than_base_rate: bool | None
    sentence: str


def verdict(
    comparison: Comparison, interval: float, *, before_calibration: Measured | None = None, rows: str = "accounts"
) -> Verdict:
    """Of a comparison whose first system is the model and whose others hold `base_rate`.

    Two things are asked, each by an interval: does the model put the right account first more often than chance (AUC
    above 0.5), and is its log loss lower than that of the base rate alone? It is better than the base rate where both
    are so. A lower log loss without the first is the level of the probabilities, which tells no account from another.

    before_calibration: the AUC of the order in which the boosters alone put the rows, where a calibrator that found
    nothing in it on later rows has made one probability of all (`order_before_calibration`). rows: what they are.
    """
    if not comparison.has_both_classes:
        found = "no positives" if comparison.n_positive == 0 else "nothing but positives"
        return Verdict(
            None, f"The model cannot be judged: the test block has {found} among its {comparison.n_rows} rows."
        )
    ours = next(iter(comparison.metrics.values()))
    auc, loss = ours["auc"], comparison.differences["base_rate"]["log_loss"]
    ranks, level = _said("AUC", auc, ".3f", interval), _said("log loss", loss, "+.4f", interval)
    if auc.low == auc.high == 0.5:
        why = (
            ""
            if before_calibration is None
            else ", since the order in which the boosters put them did not hold on later rows "
            f"({_said('AUC', before_calibration, '.3f', interval)} on the test block)"
        )
        against = "" if (loss.high or 0.0) >= 0 >= (loss.low or 0.0) else ", as its level differs and nothing else"
        return Verdict(
            False,
            f"There is no signal to act on: all {rows} get the same probability{why}. So {ranks}; {level} against the "
            f"base rate{against}.",
        )
    if (auc.low or 0.0) <= 0.5:
        against = (
            "" if (loss.high or 0.0) >= 0 >= (loss.low or 0.0)
            else f" (the level of its probabilities differs, the order of {rows} does not profit)"
        )  # fmt: skip
        return Verdict(
            False,
            f"There is no signal to act on: the model does not rank {rows} better than chance, "
            f"{ranks}; {level} against the base rate{against}, on the test block.",
        )
    if (loss.high or 0.0) >= 0:
        how = "are worse than" if (loss.low or 0.0) > 0 else "are not shown to be better than"
        return Verdict(
            False,
            f"The model ranks {rows} better than chance, but its probabilities {how} the base rate, so they are not "
            f"to be acted on: {ranks}, {level} against it, on the test block.",
        )
    rivals = {name: by["log_loss"].high or 0.0 for name, by in comparison.differences.items() if name != "base_rate"}
    beaten = [name for name, high in rivals.items() if high < 0]
    rest = [name for name in rivals if name not in beaten]
    also = f" It also beats {' and '.join(beaten)} in log loss." if beaten else ""
    also += f" It is not clearly better than {' and '.join(rest)} in log loss." if rest else ""
    return Verdict(
        True, f"The model is better than the base rate: {ranks}, {level} against it, on the test block.{also}"
    )


def order_before_calibration(
    y: pd.Series[Any],
    p: np.ndarray,
    margin: np.ndarray,
    *,
    settings: Evaluation,
    seed: int,
    groups: pd.Series[Any] | None = None,
) -> Measured | None:
    """The AUC of `margin`, where all probabilities `p` are the same; None where they differ and show an order.

    That an AUC of 0.5 has an interval of 0.5 to 0.5 says nothing but that a calibrator saw no use in the order. This
    says how good the order itself is on rows that took no part in that.

    >>> y, margin = pd.Series([0, 1, 0, 1]), np.array([-1.0, 1.0, -2.0, 2.0])
    >>> some = Evaluation(n_bootstrap=50)
    >>> order_before_calibration(y, np.full(4, 0.5), margin, settings=some, seed=0).value
    1.0
    >>> order_before_calibration(y, np.array([0.1, 0.2, 0.1, 0.2]), margin, settings=some, seed=0) is None
    True
    """
    if np.ptp(p) > 0:
        return None
    return compare(y, {"order": expit(margin)}, settings=settings, seed=seed, groups=groups).metrics["order"]["auc"]


def _said(name: str, measured: Measured, form: str, interval: float) -> str:
    value, low, high = (format(v, form) for v in (measured.value, measured.low, measured.high))
    return f"{name} {value} ({interval:.0%} interval {low} to {high})"
