"""What accounts took lately and what accounts like them took: for the response to offers, and for a sentence."""

from pathlib import Path

import pandas as pd

from data.catalog import Catalog
from models import similar
from models.together_lift import with_lifts
from models.together_settings import Combine
from pipelines import lake, paths, tables

DIGITS = 6  # what the bytes of two machines share


def subscriptions(staged_at: Path = paths.STAGED) -> pd.DataFrame:
    """The staged subscriptions."""
    engine = lake.connect()
    return lake.frame(lake.staged(engine, staged_at)["subscriptions"], engine)


def beside(accounts: pd.DataFrame, catalog: Catalog, settings: Combine, staged_at: Path = paths.STAGED) -> pd.DataFrame:
    """`accounts` (one row per account_id and as_of) with the columns of models/together_lift.py."""
    return with_lifts(accounts, subscriptions(staged_at), catalog, settings)


def lately(current: pd.DataFrame, catalog: Catalog, settings: Combine, staged_at: Path = paths.STAGED) -> pd.DataFrame:
    """Of the week's accounts alone, those columns: one row per (account_id, as_of)."""
    return beside(current[["account_id", "as_of", "plan_id"]], catalog, settings, staged_at).drop(columns="plan_id")


def peers_took(
    current: pd.DataFrame, catalog: Catalog, settings: Combine, staged_at: Path = paths.STAGED
) -> pd.DataFrame:
    """models/similar.py of the week's accounts, their peers as they were in the snapshots of the last training."""
    use = [name for name in similar.USE if name in current]  # a catalogue without metrics has no limits
    named = list(dict.fromkeys(["account_id", "as_of", "plan_id", "seats", *use]))
    found = similar.peers_took(
        current[named], tables.TRAINING.read(named), subscriptions(staged_at), catalog, settings, use=use
    )
    return found.round(dict.fromkeys(["peers_took_share", "low", "high"], DIGITS))
