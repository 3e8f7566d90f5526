"""What the benchmark of the features compares is the same: each twin by hand against the build, on use with gaps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import features
from benchmarks.by_hand import in_pandas
from benchmarks.by_hand.question import Question
from data.catalog import Catalog
from pipelines import engines

KEY = ["account_id", "as_of"]
NAMES = ["tasks", "dashboards", "api", "portfolio", "sso", "forecast"]  # core, in the plan, of the next, of add-ons
AS_OFS = features.AS_OFS[-2:]


@pytest.fixture
def asked(catalog: Catalog) -> Question:
    return Question.of(catalog, "pro", features.METRIC, 60.0, AS_OFS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The benchmark's own tables of 50 accounts, thinned: some hardly use it, some nothing at all, some are new."""
    (tmp_path / "all").mkdir()
    features.make(tmp_path / "all", 50, NAMES)
    rng = np.random.default_rng(4)
    for name, day in (("usage_000000", "used_on"), ("meters", "measured_on")):
        rows = pd.read_parquet(tmp_path / "all" / f"{name}.parquet")
        rows[day] = pd.to_datetime(rows[day])
        n = rows["account_id"].str[2:].astype(int)
        kept = rng.random(len(rows)) < 0.04 + 0.9 * (n % 10) / 10
        joined = pd.Timestamp(AS_OFS[-1]) - pd.to_timedelta((n % 7) * 15 + 2, unit="D")
        kept &= (n % 5 != 0) | (rows[day] >= joined)
        kept &= (n % 13 != 0) | (name == "meters")
        kept &= (
            (n % 11 != 0) | (rows[day] < pd.Timestamp(AS_OFS[0]) - pd.Timedelta(days=29)) | (name == "meters")
        )  # stopped
        kept |= (name == "meters") & (rows[day] == rows[day].max())  # that is the cohort
        thinned = rows[kept].assign(**{day: rows[day].dt.date})
        thinned.to_parquet(tmp_path / f"{name}.parquet", index=False)
    return tmp_path


@pytest.fixture
def built(folder: Path, catalog: Catalog, asked: Question) -> pd.DataFrame:
    engine = engines.connect(engines.Engine())
    rows = features.wide(engine, folder, catalog, asked).execute()
    return rows.drop(columns=["plan_id", f"{asked.metric}_limit"])


def agree(found: pd.DataFrame, built: pd.DataFrame) -> None:
    def ordered(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.assign(as_of=pd.to_datetime(rows["as_of"])).set_index(KEY).sort_index()
        return rows[sorted(rows)].astype("float64")

    assert set(found) == set(built)
    pd.testing.assert_frame_equal(ordered(found), ordered(built), rtol=1e-9, atol=1e-12, check_index_type=False)


def test_the_case_has_everything(built: pd.DataFrame) -> None:
    assert len(built) == 50 * len(AS_OFS)
    for name in built.drop(columns=KEY):
        assert built[name].nunique() > 1, name
    for name in ("use_trend_8w", "use_change_28d", f"days_to_limit_{features.METRIC}"):
        assert built[name].isna().nunique() == 2, name
    assert (built["use_change_28d"] == -1).any()


def test_pandas(folder: Path, built: pd.DataFrame, asked: Question) -> None:
    usage, meters = pd.read_parquet(folder / "usage_000000.parquet"), pd.read_parquet(folder / "meters.parquet")
    agree(in_pandas.features(usage, meters, asked), built)


@pytest.mark.spark
def test_polars(folder: Path, built: pd.DataFrame, asked: Question) -> None:
    import polars as pl

    from benchmarks.by_hand import in_polars

    usage, meters = pl.scan_parquet(folder / "usage_*.parquet"), pl.scan_parquet(folder / "meters.parquet")
    found = in_polars.features(usage, meters, asked).collect(engine="streaming")
    agree(pd.DataFrame(found.to_dict(as_series=False)), built)


@pytest.mark.spark
def test_spark(folder: Path, built: pd.DataFrame, asked: Question) -> None:
    from benchmarks.by_hand import in_spark

    session = in_spark.session(2, 4096)  # the one Java of this process, as later tests would have started it
    usage, meters = session.read.parquet(f"{folder}/usage_*.parquet"), session.read.parquet(f"{folder}/meters.parquet")
    rows = in_spark.features(usage, meters, asked).collect()
    agree(pd.DataFrame([row.asDict() for row in rows]), built)


def test_growth_is_a_slope() -> None:
    assert features.exponent([10, 44, 200], [3 * n**1.5 for n in (10, 44, 200)]) == pytest.approx(1.5)
