"""The four customers of the golden company on a list, with a model made up for it."""

from datetime import date

import numpy as np
import pandas as pd

from data.catalog import Catalog
from decisions import past
from decisions.candidates import candidates
from decisions.plan import plan
from decisions.ranking import ranked
from decisions.settings import Decide, Gates, Segments
from delivery import words
from delivery.listing import ranked_accounts
from features.build import dictionary
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, triggers
from tests.features.wide import wide
from tests.golden.company import company

D = date(2026, 6, 1)


def golden_week(catalog: Catalog) -> dict[str, pd.DataFrame]:
    """Its tables by name: ranked, reasons, candidates, triggers, current."""
    named = dictionary(catalog, Health(), Lifecycle())
    built, fired = wide(company(), catalog, [D])
    current = built.reset_index()
    rng = np.random.default_rng(3)
    names = ["(base)", *[f.name for f in named if f.is_predictor]]
    parts = pd.DataFrame(
        [(a, n, rng.normal() / 10, rng.uniform(0, 0.01)) for a in current["account_id"] for n in names],
        columns=["account_id", "feature", "contribution", "points"],
    ).assign(as_of=pd.Timestamp(D))
    propensity = parts.groupby("account_id")["points"].sum().rename("propensity").reset_index()
    gates = Gates(requires_consent=False)
    accounts = past.remembered(current.merge(propensity, on="account_id"), None, None, gates)
    offered = candidates(accounts, None, catalog, gates, Decide())
    planned = plan(offered, accounts, catalog, Decide(), seed=7).rows
    decisions = ranked(
        accounts, offered, planned, catalog, base_rate=0.1, gate_settings=gates, money=Decide(), segments=Segments(),
        named=named, health=Health(),
    )  # fmt: skip
    reasons = words.reasons(parts, current, named, catalog)
    told = words.evidence(fired, named, triggers(Triggers(), catalog), catalog)
    listed = ranked_accounts(
        decisions, reasons, told, named, catalog, n_reasons=5, language="en", model_version="model-1"
    )
    return {"ranked": listed, "reasons": reasons, "candidates": offered, "triggers": told, "current": current}
