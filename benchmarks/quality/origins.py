"""What an honest method should do on `bank_marketing`: rolling origins within the rows that teach.

    python -m benchmarks.quality.origins DATA [--trials N] [--at 0.5,0.6,…]

The rows that judge the benchmark are not looked at. At each origin a share of the teaching rows is learnt from, by
`learning.learn` with all that it chooses, and the rows after it judge: a quarter as many as were learnt from, as in the
benchmark itself, or what is left. Prints a line per origin and writes nothing. Forecasts of the level are beside: the
latest rate carried forward, the mean probability given, and the latest rate moved on by its trend (`trended`).
`margin` is the AUC before calibration, which may find no signal and give all rows one probability.

At the end, without any model, whether a trend of the rate would have been nearer than carrying it forward, at many more
origins (`--levels` prints this alone, in a second).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from benchmarks.quality import measured, splits
from benchmarks.quality.contest import SEED
from models import learning
from models.learning import Rows
from models.settings import Training, Tuning
from pipelines import stage

AT = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
SHARE_JUDGED = 0.25  # of the rows learnt from
TRIALS = 8
N_SPANS = 4  # from which a trend is drawn
AT_FOR_LEVELS = np.arange(0.35, 0.951, 0.025)


@dataclass(frozen=True)
class Origin:
    """What was seen at one origin."""

    share: float
    n_learnt: int
    auc: float
    auc_of_margin: float  # before calibration, which may find no signal and give all rows one probability
    logloss: float
    ece: float
    rate: float
    carried: float
    mean: float
    trended: float
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        """One line of the table."""
        return (
            f"{self.share:6.2f} {self.n_learnt:7,} {self.auc:6.3f} {self.auc_of_margin:7.3f} {self.logloss:8.4f} "
            f"{self.ece:7.4f} {self.rate:7.3f} {self.carried:8.3f} {self.mean:7.3f} {self.trended:8.3f}  "
            f"{', '.join(self.left_out) or '-'}"
        )


HEAD = "origin  learnt    AUC  margin log loss     ECE    rate  carried    mean  trended  left out"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line per origin."""
    parser = argparse.ArgumentParser(prog="benchmarks.quality.origins", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that holds bank_marketing/")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of the search, at each origin")
    parser.add_argument("--at", default=",".join(map(str, AT)), help="shares of the teaching rows, with commas")
    parser.add_argument("--levels", action="store_true", help="only forecasts of the rate, without any model")
    given = parser.parse_args(arguments)
    table = next(splits.bank_marketing(given.data)).train
    if given.levels:
        print(levels(table[splits.TARGET].to_numpy("float64"), Tuning()))
        return
    print(HEAD, flush=True)
    found = []
    for origin in seen(table, [float(at) for at in given.at.split(",")], given.trials):
        print(origin, flush=True)
        found.append(origin)
    print(summary(found))
    print(levels(table[splits.TARGET].to_numpy("float64"), Tuning()))


def seen(table: pd.DataFrame, shares: Sequence[float], trials: int) -> Iterator[Origin]:
    """An origin per share of the rows, which are in the order of time."""
    X = table.drop(columns=[splits.TARGET, splits.ROW])
    y = table[splits.TARGET].to_numpy("float64")
    for share in shares:
        n = int(share * len(table))
        later = slice(n, min(n + int(SHARE_JUDGED * n), len(table)))
        rows = Rows(X[:n], y[:n], table[splits.ROW].to_numpy()[:n])
        learned = learning.learn(rows, tuning_settings=Tuning(n_trials=trials), training=Training(), seed=SEED)
        model = learned.model
        p, margin, truth = model.probability(X[later]), model.margin(X[later]), y[later]
        reading = model.read(p)
        if reading is not None:
            p = model.corrected(reading).probability(X[later])
        of_p, of_margin = measured.metrics(truth, p), measured.metrics(truth, expit(margin))
        yield Origin(
            share=share,
            n_learnt=n,
            auc=float(of_p["auc"][0]),
            auc_of_margin=float(of_margin["auc"][0]),
            logloss=float(of_p["logloss"][0]),
            ece=float(of_p["ece"][0]),
            rate=float(truth.mean()),
            carried=float(model.facts["rate_latest"]),
            mean=float(p.mean()),
            trended=trended(y[:n], float(model.facts["rate_latest"]), len(truth), Tuning()),
            left_out=tuple(learned.selection.dropped),
        )


def trended(y: np.ndarray, latest: float, n_judged: int, settings: Tuning) -> float:
    """The latest fold's rate, moved on to the middle of the rows that judge by the mean step of `N_SPANS` past spans.

    >>> y = np.concatenate([np.arange(100) < k for k in (10, 20, 30, 40)]).astype(float)
    >>> trended(y, 0.4, 100, Tuning()) > 0.4
    True
    """
    rates = np.array([(part.sum() + 0.5) / (len(part) + 1) for part in np.array_split(y, N_SPANS)])
    of_a_row = float(np.diff(logit(rates)).mean()) * N_SPANS / len(y)
    to_the_middle = (len(y) * settings.later_share / settings.n_folds + n_judged) / 2
    return float(expit(logit(latest) + of_a_row * to_the_middle))


def levels(y: np.ndarray, settings: Tuning) -> str:
    """Mean and root mean square of the errors in log-odds, carried forward and trended, and how often the trend won."""
    errors = []
    for share in AT_FOR_LEVELS:
        n = int(share * len(y))
        later = y[n : n + int(SHARE_JUDGED * n)]
        latest = float(y[n - int(n * settings.later_share / settings.n_folds) : n].mean())
        forecasts = (latest, trended(y[:n], latest, len(later), settings))
        errors.append([float(logit(one) - logit(later.mean())) for one in forecasts])
    off = np.array(errors)
    carried, trend = (
        f"{np.abs(by).mean():.3f} ({np.sqrt((by**2).mean()):.3f}; {by.mean():+.3f} on average)" for by in off.T
    )
    n_nearer = int((np.abs(off[:, 1]) < np.abs(off[:, 0])).sum())
    return f"level at {len(off)} origins off by: carried {carried}, trended {trend}; the trend was nearer at {n_nearer}"


def summary(found: Sequence[Origin]) -> str:
    """Means over the origins, and how far each forecast of the level was off in log-odds."""
    off = {
        name: np.mean([abs(logit(getattr(one, name)) - logit(one.rate)) for one in found])
        for name in ("carried", "mean", "trended")
    }
    means = {
        name: np.mean([getattr(one, name) for one in found]) for name in ("auc", "auc_of_margin", "logloss", "ece")
    }
    return "\n".join(
        [
            "means: " + ", ".join(f"{name} {value:.4f}" for name, value in means.items()),
            "level off by, in log-odds: " + ", ".join(f"{name} {value:.3f}" for name, value in off.items()),
        ]
    )


if __name__ == "__main__":
    stage.run(main)
