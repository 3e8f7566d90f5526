"""Which parameters of the booster predict later rows best: Optuna's TPE on the time-ordered validation block."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd

from models.blocks import Blocks
from models.boosting import DEFAULT, FIXED, Tuned, dataset, untuned
from models.calibration import log_losses
from models.settings import Tuning
from models.vocabulary import Vocabulary


def tune(
    X: pd.DataFrame, y: pd.Series[Any], blocks: pd.Series[Any], *, settings: Tuning, seed: int
) -> tuple[Tuned, pd.DataFrame]:
    """Search on the train block, judged on the later validation block; the test block is not looked at.

    Returns what was found, and the trials: one row per trial (`trial`, `state`, `loss`, `rounds`, `last_round`
    and a column per parameter). Only complete trials are compared: a pruned one's loss is that of its last round.
    """
    parts = Blocks.split(X, y, blocks)
    n_positive = int(parts.y_validation.sum())
    fewer = min(n_positive, len(parts.y_validation) - n_positive)
    if fewer < settings.min_positives:
        note = (
            f"not tuned: the validation block holds {n_positive} positives of {len(parts.y_validation)} rows, "
            f"and {settings.min_positives} of each class are needed to compare parameters"
        )
        return untuned(note), pd.DataFrame(columns=["trial", "state", "loss", "rounds", "last_round", *DEFAULT])

    vocabulary = Vocabulary.learn(parts.X_train)
    train = dataset(vocabulary, vocabulary.encode(parts.X_train), parts.y_train)
    validation = dataset(vocabulary, vocabulary.encode(parts.X_validation), parts.y_validation, like=train)
    # Bins do not depend on what is searched, so they are made once.
    train.construct()
    validation.construct()

    def objective(trial: optuna.Trial) -> float:
        parameters = {**FIXED, **suggest(trial), "seed": seed, "feature_pre_filter": False}
        losses: list[float] = []

        def report(environment: Any) -> None:
            loss = float(environment.evaluation_result_list[0][2])
            losses.append(loss)
            trial.report(min(losses), environment.iteration)
            if trial.should_prune():
                raise optuna.TrialPruned
            if len(losses) - 1 - int(np.argmin(losses)) >= settings.patience:
                raise lgb.callback.EarlyStopException(int(np.argmin(losses)), environment.evaluation_result_list)

        lgb.train(parameters, train, settings.max_rounds, valid_sets=[validation], callbacks=[report])
        trial.set_user_attr("rounds", int(np.argmin(losses)) + 1)
        return min(losses)

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8, multivariate=False),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=40, interval_steps=10),
        )
        study.enqueue_trial(dict(DEFAULT))
        study.optimize(objective, n_trials=settings.n_trials, timeout=settings.timeout_s)
    finally:
        optuna.logging.set_verbosity(level)

    complete = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    base = log_losses(parts.y_validation, np.full(len(parts.y_validation), parts.y_train.mean())).mean()
    tuned = Tuned(
        parameters={**FIXED, **best.params},
        rounds=best.user_attrs["rounds"],
        loss=float(best.value or 0.0),
        base_rate_loss=float(base),
        n_complete=len(complete),
        n_pruned=sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials),
    )
    return tuned, _table(study.trials)


def suggest(trial: optuna.Trial) -> dict[str, Any]:
    """The search space; every range holds the default."""
    return {
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 400, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "path_smooth": trial.suggest_float("path_smooth", 0.1, 100.0, log=True),
        "cat_smooth": trial.suggest_float("cat_smooth", 5.0, 200.0, log=True),
    }


def _table(trials: list[optuna.trial.FrozenTrial]) -> pd.DataFrame:
    rows = [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "loss": trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None,
            "rounds": trial.user_attrs.get("rounds"),
            "last_round": trial.last_step,
            **trial.params,
        }
        for trial in trials
    ]
    return pd.DataFrame(rows).astype({"loss": "float64", "rounds": "Int64", "last_round": "Int64"})
