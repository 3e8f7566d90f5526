"""The propensity model: a few boosters averaged in log-odds, a calibrator, and the words of their training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from data.errors import BadInput
from models import calibration, explanation
from models.blocks import Blocks
from models.boosting import Tuned, dataset
from models.calibration import Calibrator
from models.settings import Training
from models.vocabulary import Vocabulary

FORMAT = 1
MODEL_FILE = "model.json"


@dataclass(frozen=True)
class Propensity:
    """A trained model. Everything about it is text: LightGBM's own format, and JSON.

    A *margin* is in log-odds, before calibration; a *probability* is calibrated. Contributions are in log-odds and add
    up, with the base, to the margin.
    """

    boosters_text: tuple[str, ...] = field(repr=False)
    vocabulary: Vocabulary = field(repr=False)
    calibrator: Calibrator
    # What happened in training: rows, rates, parameters. For people and reports; nothing is computed from it.
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """In the order of the contributions' columns."""
        return self.vocabulary.features

    @cached_property
    def boosters(self) -> tuple[lgb.Booster, ...]:
        """Always from the text that is kept, so that a model just trained and one just loaded are the same."""
        return tuple(lgb.Booster(model_str=text) for text in self.boosters_text)

    @cached_property
    def model_version(self) -> str:
        """Twelve hex digits of the hash of all that decides a probability: boosters, vocabulary, calibrator."""
        parts = [*self.boosters_text, _json(self.vocabulary.to_json()), _json(self.calibrator.to_json())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    def margin(self, X: pd.DataFrame) -> np.ndarray:
        """Mean log-odds of the boosters, one per row of `X`. Raises BadInput where `X` lacks a feature."""
        return self._margin(self.vocabulary.encode(X))

    def probability(self, X: pd.DataFrame) -> np.ndarray:
        """Calibrated probability, one per row of `X`."""
        return self.calibrator.probability(self.margin(X))

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Log-odds by feature, shape (rows, features + 1), the base last; a row sums to its margin."""
        return explanation.contributions(self.boosters, self.vocabulary.encode(X))

    @cached_property
    def base_margin(self) -> float:
        """The mean margin over the rows trained on, from which contributions start; the same for every row."""
        empty = np.full((1, len(self.features)), np.nan)
        return float(explanation.contributions(self.boosters, empty)[0, -1])

    def points(self, contributions: np.ndarray) -> np.ndarray:
        """`contributions` as percentage points of probability, same shape, the base last; a row sums to 100 × p."""
        base = contributions[:, -1]
        points = np.empty_like(contributions)
        points[:, :-1] = self.calibrator.points(contributions[:, :-1], contributions.sum(axis=1), self.base_margin)
        points[:, -1] = 100 * self.calibrator.probability(base)
        return points

    def gain(self) -> np.ndarray:
        """Total gain by feature, over all boosters."""
        return np.sum([booster.feature_importance("gain") for booster in self.boosters], axis=0)

    def to_files(self) -> dict[str, str]:
        """Text by file name: a file per booster, and `model.json` with their hashes."""
        files = {f"booster_{i}.txt": text for i, text in enumerate(self.boosters_text)}
        about = {
            "format": FORMAT,
            "model_version": self.model_version,
            "boosters": {name: _sha256(text) for name, text in files.items()},
            "calibrator": self.calibrator.to_json(),
            "vocabulary": self.vocabulary.to_json(),
            "facts": dict(self.facts),
        }
        return {**files, MODEL_FILE: json.dumps(about, indent=1, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Propensity:
        """From what `to_files` gave. Raises BadInput where a file is missing or differs from what was saved."""
        if MODEL_FILE not in files:
            raise BadInput(f"{MODEL_FILE} is missing beside the boosters; restore it, or train again.")
        try:
            about = json.loads(files[MODEL_FILE])
            expected = dict(about["boosters"])
            version = about["model_version"]
            vocabulary, calibrator = (
                Vocabulary.from_json(about["vocabulary"]),
                Calibrator.from_json(about["calibrator"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{MODEL_FILE} is not one that this project wrote ({error!r}); train again.") from None
        for name, sha256 in expected.items():
            if name not in files:
                raise BadInput(f"{name} is missing beside {MODEL_FILE}; restore it, or train again.")
            if _sha256(files[name]) != sha256:
                raise BadInput(f"{name} is not the file that was saved with {MODEL_FILE}; restore it, or train again.")
        model = cls(tuple(files[name] for name in expected), vocabulary, calibrator, about.get("facts", {}))
        if model.model_version != version:
            raise BadInput(
                f"{MODEL_FILE} was changed after it was saved as version {version}; restore it, or train again."
            )
        return model

    def _margin(self, matrix: np.ndarray) -> np.ndarray:
        if len(matrix) == 0:
            return np.zeros(0)
        return np.mean([booster.predict(matrix, raw_score=True) for booster in self.boosters], axis=0)


def fit(
    X: pd.DataFrame,
    y: pd.Series[Any],
    blocks: pd.Series[Any],
    *,
    tuned: Tuned,
    settings: Training,
    seed: int,
    groups: pd.Series[Any] | None = None,
) -> Propensity:
    """Boost on the train block, calibrate on the validation block; the test block is not looked at.

    With `settings.refit` the boosters then learn again from both blocks; the calibrator keeps its shape, and is moved
    until the mean probability of the validation rows is their rate.

    One row of `X` per row of `y` and `blocks`; `groups` names rows that belong together (an account's snapshots).
    The same arguments give the same bytes. Raises BadInput where the train block has one class only.
    """
    parts = Blocks.split(X, y, blocks)
    raw = _boosted(parts.X_train, parts.y_train, tuned, settings.n_seeds, seed)
    together = np.arange(len(X)) if groups is None else np.asarray(groups)
    choice = calibration.choose(
        raw.margin(parts.X_validation),
        parts.y_validation,
        together[parts.is_validation],
        prior=float(parts.y_train.mean()),
        n_folds=settings.n_calibration_folds,
        seed=seed,
    )
    calibrator = choice.calibrator
    if settings.refit and len(parts.y_validation):
        both = pd.concat([parts.X_train, parts.X_validation])
        raw = _boosted(both, np.concatenate([parts.y_train, parts.y_validation]), tuned, settings.n_seeds, seed)
        calibrator = calibrator.levelled(raw.margin(parts.X_validation), parts.y_validation)
    facts = {
        "n_train": len(parts.y_train),
        "n_validation": len(parts.y_validation),
        "rate_train": float(parts.y_train.mean()),
        "rate_validation": float(parts.y_validation.mean()) if len(parts.y_validation) else None,
        "is_refit": settings.refit,
        "rounds": tuned.rounds,
        "seeds": [seed + i for i in range(settings.n_seeds)],
        "parameters": dict(tuned.parameters),
        "calibration_chosen": choice.calibrator.kind,
        "calibration_losses": dict(choice.losses),
    }
    return Propensity(raw.boosters_text, raw.vocabulary, calibrator, facts)


def _boosted(X: pd.DataFrame, y: np.ndarray, tuned: Tuned, n_seeds: int, seed: int) -> Propensity:
    """An uncalibrated model: boosters that differ by their seed only."""
    vocabulary = Vocabulary.learn(X)
    rows = dataset(vocabulary, vocabulary.encode(X), y)
    texts = [
        lgb.train({**tuned.parameters, "seed": seed + i}, rows, tuned.rounds).model_to_string() for i in range(n_seeds)
    ]
    return Propensity(tuple(texts), vocabulary, Calibrator("none"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
