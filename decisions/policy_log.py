"""A log as learning and judging see it, and what is estimated from it fold by fold: pscores and expected rewards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from data.errors import BadInput
from models import choice
from models.folds import parts_of
from models.reward import Reward

N_FOLDS, N_CHOICE_FOLDS = 5, 3
# An estimated pscore is never taken for less: a row would else weigh as much as a thousand others on a model's word.
LEAST_PSCORE = 0.001


@dataclass(frozen=True)
class Log:
    """One row per decision, each row's arrays at the same place.

    `X` (rows, columns): the context, float64, NaN where missing; `categorical`: places of its columns that are codes;
    `action`: the place in `actions` of what was done; `reward`: in its own unit; `pscore`: probability with which that
    action was drawn, NaN where nobody logged it; `group`: rows of one group (an account) resemble each other.
    """

    X: np.ndarray = field(repr=False)
    action: np.ndarray = field(repr=False)
    reward: np.ndarray = field(repr=False)
    pscore: np.ndarray = field(repr=False)
    actions: tuple[str, ...]
    categorical: tuple[int, ...] = ()
    group: np.ndarray | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.action)

    @property
    def together(self) -> np.ndarray:
        """A code per row, the same for rows of one group; without groups each row has its own."""
        return np.arange(len(self)) if self.group is None else np.unique(self.group, return_inverse=True)[1]

    @property
    def is_estimated(self) -> np.ndarray:
        """Rows whose pscore nobody logged."""
        return np.isnan(self.pscore)

    def take(self, rows: np.ndarray) -> Log:
        """Some of the rows, by place."""
        return replace(
            self,
            X=self.X[rows],
            action=self.action[rows],
            reward=self.reward[rows],
            pscore=self.pscore[rows],
            group=None if self.group is None else self.group[rows],
        )

    def folds(self, n_folds: int, seed: int) -> np.ndarray:
        """The fold (0 … n_folds − 1) of each row, groups whole. Raises BadInput where there is one group only."""
        codes = self.together
        n_groups = int(codes.max()) + 1 if len(codes) else 0
        if n_groups < 2:
            raise BadInput(f"the log holds {n_groups} group of rows, and at least 2 are needed; give a longer log.")
        return parts_of(codes, self.action.astype("float64"), n_parts=min(n_folds, n_groups), seed=seed)


@dataclass(frozen=True)
class Pscores:
    """`pscore`: one per row, logged or estimated; `scores`: see models/choice.py, None where every pscore was logged;
    `n_floored`: rows whose estimate was raised to `LEAST_PSCORE`."""

    pscore: np.ndarray = field(repr=False)
    scores: np.ndarray | None = field(repr=False)
    n_floored: int


def pscores(log: Log, *, seed: int) -> Pscores:
    """Logged pscores as they are; the others estimated among the rows that have none: they had another chooser."""
    rows = np.flatnonzero(log.is_estimated)
    if not len(rows):
        return Pscores(log.pscore, None, 0)
    found = _choices(log.take(rows), seed)
    estimated = found.p[np.arange(len(rows)), log.action[rows]]
    pscore, scores = log.pscore.copy(), np.zeros((len(log), found.scores.shape[1]))
    pscore[rows], scores[rows] = np.maximum(estimated, LEAST_PSCORE), found.scores
    return Pscores(pscore, scores, int((estimated < LEAST_PSCORE).sum()))


def chances(log: Log, *, seed: int) -> np.ndarray:
    """How likely each action was in each row's context, whoever chose (rows, actions): what the overlap is seen in."""
    return _choices(log, seed).p


def forecasts(log: Log, *, seed: int, n_folds: int = N_FOLDS) -> np.ndarray:
    """Expected reward of every action (rows, actions), each row's by a model that has not seen its group."""
    folds = log.folds(n_folds, seed)
    found = np.empty((len(log), len(log.actions)))
    for k in np.unique(folds):
        away = np.flatnonzero(folds != k)
        found[folds == k] = reward_model(log.take(away), seed=seed).predict(log.X[folds == k])
    return found


def reward_model(log: Log, *, seed: int) -> Reward:
    """The model of the reward, learnt from all rows of `log`."""
    return Reward.fit(log.X, log.action, log.reward, n_actions=len(log.actions), categorical=log.categorical, seed=seed)


def scores_of_actions(log: Log, pscore: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Doubly robust scores (rows, actions): what a row tells of each action; their mean is each one's value.

    >>> log = Log(np.zeros((2, 0)), np.array([0, 1]), np.array([4.0, 1.0]), np.array([0.5, 0.5]), ("a", "b"))
    >>> scores_of_actions(log, log.pscore, np.array([[3.0, 2.0], [3.0, 2.0]]))
    array([[5., 2.],
           [3., 0.]])
    """
    found = forecast.copy()
    at = np.arange(len(log)), log.action
    found[at] += (log.reward - forecast[at]) / pscore
    return found


def _choices(log: Log, seed: int) -> choice.Choices:
    folds = log.folds(N_CHOICE_FOLDS, seed)
    return choice.estimate(
        log.X, log.action, n_actions=len(log.actions), folds=folds, categorical=log.categorical, seed=seed
    )
