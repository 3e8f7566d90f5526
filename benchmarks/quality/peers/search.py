"""Optuna's search within seconds, for libraries that bring none of their own: first their defaults, then TPE.

Three fifths of the seconds go to the search, the rest to learning again from all training rows with what was found.
"""

import time
from collections.abc import Callable
from typing import Any

import optuna
from exchange import Clock

SHARE = 0.6


def best(
    objective: Callable[[optuna.Trial, float], float], clock: Clock, *, first: dict[str, Any], seed: int
) -> optuna.trial.FrozenTrial:
    """The complete trial with the lowest loss. `objective` is told how many seconds its trial may take."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    until = time.monotonic() + SHARE * clock.left()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(first)
    longest = 0.0
    while True:
        start = time.monotonic()
        study.optimize(lambda trial: objective(trial, until - time.monotonic()), n_trials=1)
        longest = max(longest, time.monotonic() - start)
        if time.monotonic() + longest > until:
            return study.best_trial
