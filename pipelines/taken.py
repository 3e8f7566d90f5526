"""What accounts took lately, beside their features: what the response to offers is learnt from and told by."""

from pathlib import Path

import pandas as pd

from data.catalog import Catalog
from models.together_lift import with_lifts
from pipelines import lake, paths
from pipelines.params import Params


def beside(accounts: pd.DataFrame, params: Params, catalog: Catalog, staged_at: Path = paths.STAGED) -> pd.DataFrame:
    """`accounts` (one row per account_id and as_of) with the columns of models/together_lift.py."""
    engine = lake.connect()
    subscriptions = lake.frame(lake.staged(engine, staged_at)["subscriptions"], engine)
    return with_lifts(accounts, subscriptions, catalog, params.combine)
