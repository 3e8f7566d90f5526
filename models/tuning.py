"""Which parameters of the booster predict later rows best: Optuna's TPE over one binned Dataset, pruned.

**What is minimised.** The log loss of each fold's later rows *after that fold's level is put right* by one intercept;
the mean over folds. Where the base rate moves from one span of time to the next, every booster is off by about the
same level, whatever its parameters: that error would drown the differences that are searched for, and reward whichever
happens to err in the direction of the move. The level is calibration's business, and is set on the latest rows. The
loss as training left it is reported beside (`loss_as_is`).

**How trials are stopped early.** A fold ends once `patience` rounds bring nothing. A trial ends at the end of a fold
unless its mean so far is among the best third of the trials that got there, and within a fold where it is behind three
quarters of those that reached that round: leniently, for small trees learn slowly and often win. Folds go from the
earliest, which is the shortest, to the latest. Losses are told as the distance from the fold's own rate, since one
span is harder than the next. A pruned trial has no loss: only complete ones are compared.

**What repeats.** In memory, with a seed and a number of trials: the same bytes. With `timeout_s`, or a `storage` that
earlier runs have filled, what is found depends on the machine and on the past.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd
from scipy.special import logit

from models import boosting
from models.blocks import both_classes, target
from models.boosting import FIXED, Space, Tuned
from models.folds import Fold, learnt
from models.levels import log_loss, losses
from models.settings import Tuning
from models.vocabulary import Vocabulary

EVERY = 5  # rounds between two looks at the later rows
WARM_UP = 50  # rounds of a fold before it may be pruned
N_BEFORE_PRUNING = 3  # trials that go all the way, so that there is something to compare with
N_RANDOM = 8  # trials before TPE begins to learn from them
TOLD = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)  # a journal may hold interrupted ones too
COLUMNS = ("trial", "state", "loss", "loss_as_is", "rounds", "n_folds")


@dataclass(frozen=True)
class Progress:
    """Told after each trial."""

    trial: int  # from 0
    n_trials: int
    state: str  # complete or pruned
    loss: float | None
    best: float | None
    base_rate_loss: float

    def __str__(self) -> str:
        """One line.

        >>> str(Progress(trial=2, n_trials=30, state="complete", loss=0.31234, best=0.3, base_rate_loss=0.33))
        'trial 3 of 30: complete, log loss 0.31234; best 0.30000, base rate 0.33000'
        """
        loss = "" if self.loss is None else f", log loss {self.loss:.5f}"
        best = "none yet" if self.best is None else f"{self.best:.5f}"
        return (
            f"trial {self.trial + 1} of {self.n_trials}: {self.state}{loss}; best {best}, "
            f"base rate {self.base_rate_loss:.5f}"
        )


def tune(
    X: pd.DataFrame,
    y: pd.Series[Any],
    folds: Sequence[Fold],
    *,
    settings: Tuning,
    seed: int,
    weights: np.ndarray | None = None,
    constraints: Mapping[str, int] | None = None,
    first: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], None] | None = None,
    storage: optuna.storages.BaseStorage | None = None,
) -> tuple[Tuned, pd.DataFrame]:
    """Search by the later rows of `folds`; rows of `X` in no fold are not looked at.

    y: 0 or 1; weights: of each row in training, not in judging; constraints: by feature, see `boosting.monotone`.
    first: parameters to try before the default's (an earlier champion's). storage: where a study is kept and resumed,
    under a name made of the rows and settings, so that other rows start another study.

    Returns what was found, and the trials: one row per trial, `COLUMNS` and a column per parameter. Raises BadInput
    where there is nothing to learn from.
    """
    rows = learnt(folds)
    values = target(y.iloc[rows])
    both_classes(values)
    usable = [fold for fold in folds if _n_rarer(target(y.iloc[fold.later])) >= settings.min_positives]
    usable = [fold for fold in usable if _n_rarer(target(y.iloc[fold.train])) > 0]
    # What the shortest training part bears: the space must suit each of them.
    n_rare = min((_n_rarer(target(y.iloc[fold.train])) for fold in usable), default=_n_rarer(values))
    n_rows = min((len(fold.train) for fold in usable), default=len(rows))
    space = Space.of(n_rows=n_rows, n_rare=n_rare)
    if not usable:
        found = max((_n_rarer(target(y.iloc[fold.later])) for fold in folds), default=0)
        note = (
            f"not tuned: later rows hold {found} of the rarer class at most, and {settings.min_positives} are needed "
            "to compare parameters"
        )
        return boosting.untuned(note, space), pd.DataFrame(columns=[*COLUMNS, *space.ranges])

    vocabulary = Vocabulary.learn(X.iloc[rows])
    matrix = vocabulary.encode(X.iloc[rows])
    weight = None if weights is None else np.asarray(weights, dtype="float64")[rows]
    # Every fold over one binned set. Bins and levels come from all rows learnt from; they know no target.
    binned = boosting.dataset(vocabulary, matrix, values, weight)
    fixed = {**FIXED, "seed": seed, "learning_rate": space.learning_rate, **boosting.monotone(vocabulary, constraints)}
    races = [_Race.of(binned, values, rows, fold, fixed) for fold in usable]
    deadline = None if settings.timeout_s is None else time.monotonic() + settings.timeout_s
    stride = max(settings.max_rounds, EVERY) + 2  # a step for every round, and one for the fold's end

    def is_late() -> bool:
        return deadline is not None and time.monotonic() > deadline

    def objective(trial: optuna.Trial) -> float:
        parameters = suggest(trial, space)
        curves: list[tuple[np.ndarray, np.ndarray]] = []
        behind = 0.0  # sum over finished folds of the best loss less the base rate's
        for k, race in enumerate(races):

            def look(n_rounds: int, loss: float, k: int = k, before: float = behind - race.base_rate_loss) -> None:
                trial.report((before + loss) / (k + 1), k * stride + n_rounds)
                if (n_rounds >= WARM_UP and trial.should_prune()) or (is_late() and _completed(study.trials)):
                    raise optuna.TrialPruned

            curves.append(race.run(parameters, settings, look))
            behind += float(curves[-1][0].min()) - race.base_rate_loss
            trial.report(behind / (k + 1), (k + 1) * stride - 1)
            if k + 1 < len(races):
                if trial.should_prune():
                    raise optuna.TrialPruned
                if is_late():
                    break  # the first trial: better judged by some folds than by none
        together, as_is = (_mean_curve([curve[i] for curve in curves]) for i in (0, 1))
        best = int(np.argmin(together))
        trial.set_user_attr("rounds", (best + 1) * EVERY)
        trial.set_user_attr("loss_as_is", float(as_is[best]))
        trial.set_user_attr("fold_losses", [float(c[0][min(best, len(c[0]) - 1)]) for c in curves])
        return float(together[best])

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            study_name=_name(matrix, values, weight, usable, settings, fixed) if storage else None,
            storage=storage,
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=N_RANDOM, multivariate=False),
            pruner=Behind(stride),
        )
        for given in ([first] if first else []) + [space.default]:
            study.enqueue_trial(space.within(given), skip_if_exists=True)
        base = float(np.mean([race.base_rate_loss for race in races]))
        n_before = len([trial for trial in study.trials if trial.state in TOLD])
        if settings.n_trials > n_before:
            study.optimize(
                objective,
                n_trials=settings.n_trials - n_before,
                timeout=settings.timeout_s,
                callbacks=[_telling(progress, settings.n_trials, base)] if progress else None,
            )
        trials = study.trials
    finally:
        optuna.logging.set_verbosity(level)

    complete = _completed(trials)
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    judged = best.user_attrs["fold_losses"]  # by all folds, unless time ran out
    tuned = Tuned(
        parameters={**FIXED, "learning_rate": space.learning_rate, **best.params},
        rounds=best.user_attrs["rounds"],
        loss=best.value,
        base_rate_loss=float(np.mean([race.base_rate_loss for race in races[: len(judged)]])),
        n_complete=len(complete),
        n_pruned=sum(trial.state == optuna.trial.TrialState.PRUNED for trial in trials),
        loss_as_is=best.user_attrs["loss_as_is"],
        fold_losses=tuple(judged),
        n_folds=len(judged),
    )
    return tuned, _table(trials, space, stride)


class Behind(optuna.pruners.BasePruner):
    """Prune what is behind others at the same step, once enough have been there.

    A step is (fold × stride) + rounds; a fold's last step, stride - 1, is its end. There the best third go on, within
    a fold the best three quarters.
    """

    def __init__(self, stride: int) -> None:
        self.stride = stride

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the trial should end at its last reported step."""
        step = trial.last_step
        if step is None:
            return False
        others = [
            other.intermediate_values[step]
            for other in study.get_trials(deepcopy=False)
            if other.state in TOLD and step in other.intermediate_values
        ]
        if len(others) < N_BEFORE_PRUNING:
            return False
        is_end = (step + 1) % self.stride == 0
        return bool(trial.intermediate_values[step] > np.quantile(others, 1 / 3 if is_end else 3 / 4))


@dataclass(frozen=True, eq=False)
class _Race:
    """One fold, binned: train, and watch the later rows."""

    train: lgb.Dataset
    later: lgb.Dataset
    y: np.ndarray
    base_rate_loss: float
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, binned: lgb.Dataset, y: np.ndarray, rows: np.ndarray, fold: Fold, fixed: Mapping[str, Any]) -> _Race:
        """`binned` and `y` hold the `rows` of the table whose places the fold names."""
        train, later = (np.searchsorted(rows, places) for places in (fold.train, fold.later))
        level_of_rate = np.full(len(later), float(logit(y[later].mean())))
        base = log_loss(level_of_rate, y[later])
        return cls(boosting.subset(binned, train), boosting.subset(binned, later), y[later], base, fixed)

    def run(
        self, parameters: Mapping[str, Any], settings: Tuning, look: Callable[[int, float], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Loss every `EVERY` rounds, levelled and as it is, until `patience` rounds bring nothing."""
        booster = lgb.Booster({**self.fixed, **parameters, "metric": "None"}, self.train)
        booster.add_valid(self.later, "later")
        levelled: list[float] = []
        as_is: list[float] = []

        def judged(p: np.ndarray, rows: lgb.Dataset) -> tuple[str, float, bool]:
            p = np.clip(p, 1e-15, 1 - 1e-15)
            for found, loss in zip((levelled, as_is), losses(np.log(p) - np.log1p(-p), self.y), strict=True):
                found.append(loss)
            return "loss", levelled[-1], False

        for n_rounds in range(EVERY, max(settings.max_rounds, EVERY) + 1, EVERY):
            is_over = False
            for _ in range(EVERY):
                is_over = booster.update() or is_over  # True once no leaf can be split
            booster.eval_valid(judged)
            look(n_rounds, min(levelled))
            if is_over or (len(levelled) - 1 - int(np.argmin(levelled))) * EVERY >= settings.patience:
                break
        return np.array(levelled), np.array(as_is)


def suggest(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """One draw from the space."""
    return {
        name: trial.suggest_int(name, int(low), int(high), log=True)
        if isinstance(low, int)
        else trial.suggest_float(name, low, high, log=high > 1)
        for name, (low, high) in space.ranges.items()
    }


def _mean_curve(curves: Sequence[np.ndarray]) -> np.ndarray:
    """The mean loss at each look; a fold that ended stays where it ended."""
    longest = max(map(len, curves))
    return np.mean([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in curves], axis=0)


def _n_rarer(y: np.ndarray) -> int:
    return int(min(y.sum(), len(y) - y.sum()))


def _name(
    matrix: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray | None,
    folds: Sequence[Fold],
    settings: Tuning,
    fixed: Mapping[str, Any],
) -> str:
    """A study's name: the hash of all that its losses depend on, so that none is resumed on other rows."""
    parts = hashlib.sha256(matrix.tobytes() + y.tobytes() + (b"" if weights is None else weights.tobytes()))
    for fold in folds:
        parts.update(fold.train.tobytes() + b"|" + fold.later.tobytes())
    parts.update(repr((settings.max_rounds, settings.patience, sorted(fixed.items()))).encode())
    return f"tune-{parts.hexdigest()[:16]}"


def _completed(trials: Sequence[optuna.trial.FrozenTrial]) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]


def _telling(
    progress: Callable[[Progress], None], n_trials: int, base: float
) -> Callable[[optuna.Study, optuna.trial.FrozenTrial], None]:
    def tell(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        loss = trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None
        best = min((t.value for t in _completed(study.trials)), default=None)
        progress(Progress(trial.number, n_trials, trial.state.name.lower(), loss, best, base))

    return tell


def _table(trials: Sequence[optuna.trial.FrozenTrial], space: Space, stride: int) -> pd.DataFrame:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "loss": trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None,
            "loss_as_is": trial.user_attrs.get("loss_as_is"),
            "rounds": trial.user_attrs.get("rounds"),
            "n_folds": ((trial.last_step or 0) + 1) // stride,
            **{name: trial.params.get(name) for name in space.ranges},
        }
        for trial in trials
        if trial.state in TOLD
    ]
    return pd.DataFrame(rows).astype({"loss": "float64", "loss_as_is": "float64", "rounds": "Int64"})
