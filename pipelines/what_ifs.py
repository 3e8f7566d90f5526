"""What would take an account to its next star, or open the gate that is shut: asked of the very model of the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog
from decisions.gates import GATES, Gate
from delivery.figures import spoken
from features.build import dictionary
from features.feature import Feature
from models.propensity import Propensity
from models.what_if import Change, Question, Reaches, nearest_first, smallest_of_each, steps
from pipelines.params import Params

OPENED_BY_CHANGE = ("serious_ticket", "unhappy", "falling_use")  # the others open by days or by consent
WHOLE = ("count", "days")
NOT_MOVED = ("category", "flag", "sentiment")  # units of what has no nearer and farther
N_SHOWN = 5


@dataclass(frozen=True)
class Known:
    """What a list was scored with."""

    current: pd.DataFrame
    model: Propensity
    params: Params
    catalog: Catalog


def levelled(model: Propensity, current: pd.DataFrame, params: Params) -> Propensity:
    """The model at the base rate at which the list was scored."""
    reading = model.read(model.probability(current), correct=params.shift.correct == "auto", seed=params.run.seed)
    return model.corrected(reading)


def what_ifs(listed: pd.DataFrame, of: Known) -> dict[str, list[dict[str, Any]]]:
    """By account_id, for those rows of the list, the smallest changes, one feature each; by goal, then by size."""
    named = {f.name: f for f in dictionary(of.catalog, of.params.health, of.params.lifecycle)}
    peers = _Peers(of.current, [f for f in named.values() if f.is_actionable and f.unit not in NOT_MOVED])
    asked: list[tuple[str, str, Question]] = []
    for row in listed.to_dict("records"):
        account = str(row["account_id"])
        own, values, ranges = peers.of(account)
        if (target := _next_star(row, of)) is not None:
            read = {name: tried for name, tried in values.items() if name in of.model.features}
            goal = f"{int(row['stars']) + 1} stars"
            asked.append((account, goal, Question(own, read, ranges, _within(target))))
        if gate := next((g for g in GATES if g.id == row["blocked_by"] and g.id in OPENED_BY_CHANGE), None):
            asked.append((account, f"{gate.id} opens", Question(own, values, ranges, _opened(gate, of.params))))
    found: dict[str, list[dict[str, Any]]] = {str(account): [] for account in listed["account_id"]}
    answers = smallest_of_each([question for *_, question in asked], probability=of.model.probability)
    for (account, goal, _), changes in zip(asked, answers, strict=True):
        found[account] += _told(goal, changes, named, of)
    return found


class _Peers:
    """What accounts on the same plan have of each feature; found once per plan, and the tries of an account from it."""

    def __init__(self, current: pd.DataFrame, features: Sequence[Feature]) -> None:
        self.current = current
        self.features = features
        self.place = {account: i for i, account in enumerate(current["account_id"])}
        self.values = {f.name: pd.to_numeric(current[f.name]).astype("float64").to_numpy() for f in features}
        self.plans = current["plan_id"].to_numpy()
        self._of_plan: dict[str, dict[str, tuple[np.ndarray, float]]] = {}

    def of(self, account: str) -> tuple[pd.DataFrame, dict[str, np.ndarray], dict[str, float]]:
        """The account's row, the values to try, nearest first, and the peers' range, by feature."""
        i = self.place[account]
        steps_of = self._steps(self.plans[i])
        tried = {name: nearest_first(found, self.values[name][i]) for name, (found, _) in steps_of.items()}
        values = {name: found for name, found in tried.items() if len(found)}
        return self.current.iloc[[i]], values, {name: steps_of[name][1] for name in values}

    def _steps(self, plan: str) -> dict[str, tuple[np.ndarray, float]]:
        if plan not in self._of_plan:
            is_peer, found = self.plans == plan, {}
            for f in self.features:
                theirs = self.values[f.name][is_peer]
                if len(values := steps(theirs, whole=f.unit in WHOLE)):
                    found[f.name] = values, float(np.subtract(*np.nanquantile(theirs, [0.9, 0.1])))
            self._of_plan[plan] = found
        return self._of_plan[plan]


def _next_star(row: Mapping[Any, Any], of: Known) -> float | None:
    """The probability from which the account would have one star more; None where it has them all."""
    stars, lifts = int(row["stars"]), of.params.decide.stars_from_lift
    return lifts[stars - 1] * float(of.model.facts["rate_train"]) if stars <= len(lifts) else None


def _within(target: float) -> Reaches:
    return lambda _, p: (p >= target) & (p <= 1)


def _opened(gate: Gate, params: Params) -> Reaches:
    def is_open(rows: pd.DataFrame, _: np.ndarray) -> np.ndarray:
        score = pd.to_numeric(rows["health_score"]).astype("float64")
        banded = rows["health_band"].mask(score >= params.health.yellow_from, "yellow")
        return ~gate.blocks(rows.assign(health_band=banded), params.gates).astype(bool).to_numpy()

    return is_open


def _told(goal: str, changes: list[Change], named: Mapping[str, Feature], of: Known) -> list[dict[str, Any]]:
    """In plain values and in words."""
    found = []
    for change in changes[:N_SHOWN]:
        f = named[change.feature]
        words = {
            language: f"{f.description[language]}: "
            + " → ".join(spoken(v, f.unit, language, currency=of.catalog.currency) for v in (change.now, change.value))
            for language in ("en", "ja")
        }
        found.append(
            {
                "goal": goal,
                "feature": change.feature,
                "now": change.now,
                "value": change.value,
                "propensity_now": change.p_now,
                "propensity_then": change.p_then,
                "share_of_peers_range": change.size,
                **{f"text_{language}": text for language, text in words.items()},
            }
        )
    return found
