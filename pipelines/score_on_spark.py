"""The scores of stage `score` on Spark: the booster's text goes to the rows, not the rows to the booster."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.propensity import Propensity
from pipelines import engines
from pipelines.engines import Engine

SCHEMA = "account_id string, as_of date, contributions array<double>, propensity double"


def contributions_and_probabilities(
    model: Propensity, current: Path, engine: Engine
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """(account_id, as_of) in the file's order, the contributions (rows, features + 1), and the probabilities.

    `current`: the Parquet file of features, where every worker can read it. The workers need this project's `data` and
    `models` to import, LightGBM and Numba.
    """
    session = engines.connect(engine)._session
    files = session.sparkContext.broadcast(model.to_files())

    def scored(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from models.propensity import Propensity

        here = Propensity.from_files(files.value)
        for part in parts:
            yield part[["account_id", "as_of"]].assign(
                contributions=list(here.contributions(part)), propensity=here.probability(part)
            )

    rows = session.read.parquet(str(current.resolve())).select("account_id", "as_of", *model.features)
    found = rows.repartition(engine.threads).mapInPandas(scored, SCHEMA).toPandas()
    found["as_of"] = pd.to_datetime(found["as_of"]).astype("datetime64[us]")

    keys = pq.read_table(current, columns=["account_id", "as_of"])
    keys = keys.set_column(1, "as_of", keys.column("as_of").cast(pa.timestamp("us"))).to_pandas()
    ordered = keys.merge(found, on=["account_id", "as_of"], how="left", validate="one_to_one")
    return keys, np.stack(ordered["contributions"].to_list()), ordered["propensity"].to_numpy()
