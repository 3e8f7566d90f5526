"""One company on two engines: everything that an engine computes, and how far the two are apart."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data.catalog import Catalog
from data.cohort import cohort
from data.contract import RAW_TABLES
from data.known import calendar
from data.labels import expansion
from data.reached import reached
from data.simulate.company import simulate
from data.simulate.world import PRESETS
from features.build import features
from features.headroom import headroom
from features.health import Health
from features.lifecycle import Lifecycle
from features.triggers import Triggers, fired, triggers, watched
from pipelines import engines, lake
from tests.conftest import to_arrow

DAYS = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 4, 29), date(2026, 5, 28), date(2026, 6, 1)]
KEY = ["account_id", "as_of"]


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> Path:
    """The tables as staging leaves them: a Parquet file each."""
    for name, frame in tables.items():
        pq.write_table(to_arrow(name, frame), folder / f"{name}.parquet")
    return folder


def simulated(catalog: Catalog, folder: Path, *, accounts: int = 60, months: int = 14) -> Path:
    """A small simulated company, staged; its last day is 1 June 2026."""
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in RAW_TABLES}
    world = PRESETS["midmarket"]
    for part in simulate(catalog, world, accounts=accounts, months=months, seed=5, ends_on=date(2026, 6, 1)):
        for name, table in part.raw.items():
            frame = table.to_pandas()
            stamp = pd.to_datetime(frame[RAW_TABLES[name].stamp])
            found[name].append(frame.assign(known_on=stamp.dt.normalize()))
    return write({name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}, folder)


def computed(engine: ibis.BaseBackend, folder: Path, catalog: Catalog) -> dict[str, pd.DataFrame]:
    """Features, triggers, what they watch and labels of the company in `folder`, by name, sorted by their keys."""
    staged = lake.staged(engine, folder)
    as_ofs = calendar(DAYS)
    rows = cohort(staged["accounts"], staged["subscriptions"], staged.get("account_changes"), catalog, as_ofs)
    wide = features(staged, rows, catalog, Health(), Lifecycle()).cache()
    found = {
        "features": wide,
        "triggers": fired(wide, staged["usage"], staged.get("touchpoints"), Triggers(), catalog),
        "watched": watched(
            wide.drop("nps_age_days"), staged.get("touchpoints"), staged.get("surveys"), triggers(Triggers(), catalog)
        ),
        "labels": expansion(staged["subscriptions"], catalog, as_ofs, horizon_days=90, min_growth=0.1),
    }
    near = headroom(staged["meters"], staged["subscriptions"], catalog, DAYS, from_share=0.3).cache()
    found |= {
        "headroom": near,
        "reached": reached(
            near, staged["meters"], staged["subscriptions"], catalog, horizon_days=40, known_by=DAYS[-1]
        ),
    }
    frames = {name: lake.frame(table, engine) for name, table in found.items()}
    return {
        name: frame.sort_values([*KEY, *frame.columns.intersection(["trigger", "metric"])], ignore_index=True)
        for name, frame in frames.items()
    }


def on_duckdb(folder: Path, catalog: Catalog) -> dict[str, pd.DataFrame]:
    return computed(engines.connect(engines.Engine()), folder, catalog)


def difference(one: Mapping[str, pd.DataFrame], other: Mapping[str, pd.DataFrame]) -> float:
    """The largest relative difference of any number in any table; infinite where anything else differs at all."""
    worst = 0.0
    for name, frame in one.items():
        if len(frame) == 0 or len(frame) != len(other[name]) or list(frame) != list(other[name]):
            return np.inf
        for column in frame:
            a, b = frame[column], other[name][column]
            if (a.isna() != b.isna()).any():
                return np.inf
            a, b = a[a.notna()], b[b.notna()]
            if not pd.api.types.is_numeric_dtype(a.infer_objects()):
                if not (a.astype(str) == b.astype(str)).all():
                    return np.inf
                continue
            x, y = a.to_numpy("float64"), b.to_numpy("float64")
            scale = np.maximum(np.abs(x), np.abs(y))
            apart = np.abs(x - y)[scale > 0] / scale[scale > 0]
            worst = max(worst, float(apart.max(initial=0.0)))
    return worst
