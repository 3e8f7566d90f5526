"""Optuna's search within seconds, for libraries that bring none of their own: first their defaults, then TPE.

A search ends while there is still time to learn again, from all training rows, with what was found.
"""

import time
from collections.abc import Callable
from typing import Any

import optuna
from exchange import Clock

AGAIN = 1.5  # learning from all rows takes so many times the seconds of the longest trial


def best(
    objective: Callable[[optuna.Trial, float], float], clock: Clock, *, first: dict[str, Any], seed: int
) -> optuna.trial.FrozenTrial:
    """The trial with the lowest loss. `objective` is told how many seconds its trial may take."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(first)
    longest = 0.0
    while not longest or clock.left() > (1 + AGAIN) * longest:
        start = time.monotonic()
        study.optimize(lambda trial: objective(trial, clock.left() / (1 + AGAIN)), n_trials=1)
        longest = max(longest, time.monotonic() - start)
    return study.best_trial
