"""What would take an account to its next star, or open the gate that is shut: asked of the very model of the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog
from decisions.gates import GATES
from delivery.figures import spoken
from features.build import dictionary
from features.feature import Feature
from models.propensity import Propensity
from models.what_if import Change, smallest, tries
from pipelines.params import Params

OPENED_BY_CHANGE = ("serious_ticket", "unhappy", "falling_use")  # the others open by days or by consent
WHOLE = ("count", "days")
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


def what_ifs(listed: Mapping[Any, Any], of: Known) -> list[dict[str, Any]]:
    """The smallest changes, one feature each, for the account of that row of the list; by goal, then by size."""
    named = {f.name: f for f in dictionary(of.catalog, of.params.health, of.params.lifecycle)}
    row = of.current[of.current["account_id"] == listed["account_id"]]
    peers = of.current[of.current["plan_id"] == row["plan_id"].iloc[0]]
    wanted = [f for f in named.values() if f.is_actionable and f.unit not in ("category", "flag", "sentiment")]
    values, ranges = {}, {}
    for f in wanted:
        theirs = pd.to_numeric(peers[f.name]).astype("float64").to_numpy()
        now = float(pd.to_numeric(row[f.name]).astype("float64").iloc[0])
        found = tries(theirs, now, whole=f.unit in WHOLE)
        if len(found):
            values[f.name] = found
            ranges[f.name] = float(np.subtract(*np.nanquantile(theirs, [0.9, 0.1])))
    told = []
    stars, lifts = int(listed["stars"]), of.params.decide.stars_from_lift
    if stars <= len(lifts):
        target = lifts[stars - 1] * float(of.model.facts["rate_train"])
        read = {name: tried for name, tried in values.items() if name in of.model.features}
        changes = smallest(
            row, read, ranges, probability=of.model.probability, reaches=lambda rows, p: (p >= target) & (p <= 1)
        )
        told += _told(f"{stars + 1} stars", changes, named, of)
    gate = next((g for g in GATES if g.id == listed["blocked_by"] and g.id in OPENED_BY_CHANGE), None)
    if gate is not None:

        def is_open(rows: pd.DataFrame, _: np.ndarray) -> np.ndarray:
            score = pd.to_numeric(rows["health_score"]).astype("float64")
            banded = rows["health_band"].mask(score >= of.params.health.yellow_from, "yellow")
            return ~gate.blocks(rows.assign(health_band=banded), of.params.gates).astype(bool).to_numpy()

        changes = smallest(row, values, ranges, probability=of.model.probability, reaches=is_open)
        told += _told(f"{gate.id} opens", changes, named, of)
    return told


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
