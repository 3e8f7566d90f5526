"""Stage `decide`: whom to contact, about what, and whom to leave alone?

Reads   current, scores, staged proposals, the catalogue, the model's base rate, and how the model was judged
Writes  candidates: one row per (account_id, as_of, offer_id); decisions: one row per (account_id, as_of), ranked
"""

from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from data.catalog import Catalog
from data.known import calendar
from decisions.candidates import candidates
from decisions.ranking import ranked, segment, stars
from features.proposals import refusals
from pipelines import lake, paths, stage, tables, written
from pipelines.params import Params


def refused(params: Params, staged_at: Path) -> pd.DataFrame | None:
    """Days since each offer was last declined by each account; None where there are no proposals."""
    engine = lake.connect()
    proposals = lake.staged(engine, staged_at).get("proposals")
    if proposals is None:
        return None
    rows = refusals(proposals, calendar([params.run.as_of]))
    return lake.frame(rows.order_by(ibis._.account_id, ibis._.offer_id), engine)


def decided(
    params: Params,
    catalog: Catalog,
    current: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    base_rate: float,
    has_signal: bool,
    staged_at: Path = paths.STAGED,
    previous: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Candidates and decisions of the week."""
    accounts = current.merge(scores, on=["account_id", "as_of"])
    # a condition of the catalogue may ask for these columns of the list
    accounts["segment"] = segment(accounts, params.segments)
    accounts["stars"] = stars(accounts["propensity"], base_rate, params.decide.stars_from_lift)
    refusals = refused(params, staged_at)
    offered = candidates(accounts, refusals, catalog, params.gates, params.decide, has_signal=has_signal)
    decisions = ranked(
        accounts,
        offered,
        catalog,
        base_rate=base_rate,
        gate_settings=params.gates,
        money=params.decide,
        segments=params.segments,
        refusals=refusals,
        previous=previous,
    )
    return offered, decisions


def has_signal(metrics: dict[str, Any], model_version: str) -> bool:
    """Whether the model tells accounts apart, as far as is known: one that was not judged has the benefit of the doubt.

    >>> judged = {"model_version": "a", "is_better_than_base_rate": False}
    >>> has_signal(judged, "a"), has_signal(judged, "b")
    (False, True)
    """
    return metrics["model_version"] != model_version or bool(metrics["is_better_than_base_rate"])


def main() -> None:
    """Decide for every active account of the week."""
    params = Params.load()
    model = written.read_model()
    offered, decisions = decided(
        params,
        Catalog.load(paths.CATALOG),
        tables.CURRENT.read(),
        tables.SCORES.read(),
        base_rate=float(model.facts["rate_train"]),
        has_signal=has_signal(written.read_json(paths.METRICS), model.model_version),
    )
    tables.CANDIDATES.write(offered)
    tables.DECISIONS.write(decisions)


if __name__ == "__main__":
    stage.run(main)
