"""Stage `combine`: what goes together, and what did accounts like each one take?

Reads   staged subscriptions, labels (where what may be learnt from ends), training and current features, the catalogue
Writes  together/pairs.parquet: one row per (taken, then); together/peers.parquet: one row per (account_id, as_of,
        offer_id) of the scored week; reports/together.csv and .md
"""

import pandas as pd

from data.catalog import Catalog
from delivery import together as told
from models import together
from models.blocks import VALIDATION
from pipelines import paths, stage, tables, taken, written
from pipelines.params import Params
from pipelines.taken import DIGITS


def learnt_until(labels: pd.DataFrame) -> pd.Timestamp:
    """The first day of the validation block: nothing from it on is learnt from.

    >>> days = pd.to_datetime(["2025-01-01", "2025-05-01", "2025-06-01"])
    >>> learnt_until(pd.DataFrame({"as_of": days, "block": ["train", "validation", "validation"]}))
    Timestamp('2025-05-01 00:00:00')
    """
    return pd.Timestamp(pd.to_datetime(labels.loc[labels["block"] == VALIDATION, "as_of"]).min())


def main() -> None:
    """Learn the pairs, count the peers, write the report."""
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    subscriptions = taken.subscriptions()
    until = learnt_until(tables.LABELS.read(["as_of", "block"]))
    pairs = together.pairs(subscriptions, catalog, until=until, settings=params.combine)
    bundles = together.bundles(pairs, catalog, params.combine)
    peers = taken.peers_took(tables.CURRENT.read(), catalog, params.combine)
    tables.PAIRS.write(pairs.round(DIGITS))
    tables.PEERS.write(peers)
    is_new = pd.MultiIndex.from_frame(pairs[["taken", "then"]]).isin(
        pd.MultiIndex.from_frame(bundles[["taken", "then"]])
    )
    written.text(paths.TOGETHER_CSV, pairs.round(DIGITS).assign(is_suggested=is_new).to_csv(index=False))
    days = params.combine.within_days
    written.text(paths.TOGETHER_MD, told.report(pairs, bundles, catalog, until=str(until.date()), days=days))


if __name__ == "__main__":
    stage.run(main)
