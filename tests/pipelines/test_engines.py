"""The same features, triggers and labels on real engines; what can be said of the setting without them."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from data.catalog import Catalog
from data.errors import BadInput
from models import boosting, propensity
from models.folds import block_fold
from models.settings import Training
from pipelines import engines
from pipelines.engines import Engine
from tests import engines as compared
from tests import postgres

AT_MOST = 1e-9


@pytest.fixture(scope="module")
def server() -> Iterator[ibis.BaseBackend]:
    with postgres.running() as folder:
        connected = engines.connect(Engine(kind="postgres", url=f"postgres://upsell@/postgres?host={folder}"))
        yield connected
        gc.collect()  # what Ibis drops with its last reference, it drops over the open connection
        connected.disconnect()


@pytest.fixture(params=["tiny", "simulated"])
def company(request: Any, tiny_company: Callable[[int], Any], catalog: Catalog, tmp_path: Path) -> Path:
    if request.param == "tiny":
        return compared.write(tiny_company(3), tmp_path)
    return compared.simulated(catalog, tmp_path)


@pytest.mark.system
def test_postgres_agrees_with_duckdb(company: Path, server: ibis.BaseBackend, catalog: Catalog) -> None:
    found = compared.computed(server, company, catalog)
    assert compared.difference(compared.on_duckdb(company, catalog), found) <= AT_MOST


@pytest.mark.system
def test_a_file_comes_into_postgres_as_it_is(server: ibis.BaseBackend, tmp_path: Path) -> None:
    schema = pa.schema(
        [
            ("name", pa.string()),
            ("n", pa.int64()),
            ("on", pa.date32()),
            ("at", pa.timestamp("us")),
            ("is_it", pa.bool_()),
        ]
    )
    moment = pd.Timestamp("2026-05-31 23:59:59.123456")
    rows = [
        {"name": 'a "quoted", name\nand more', "n": 1, "on": moment.date(), "at": moment, "is_it": True},
        {"name": "", "n": None, "on": None, "at": None, "is_it": None},
        {"name": None, "n": -(2**62), "on": moment.date(), "at": moment, "is_it": False},
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / "odd.parquet")
    found = engines.fetched(engines.put(server, tmp_path / "odd.parquet"), server)
    assert found.cast(schema).to_pylist() == [{**row, "at": row["at"] and moment.to_pydatetime()} for row in rows]


@pytest.mark.spark
def test_spark_agrees_with_duckdb(company: Path, catalog: Catalog) -> None:
    found = compared.computed(engines.connect(Engine(kind="spark")), company, catalog)
    assert compared.difference(compared.on_duckdb(company, catalog), found) <= AT_MOST


@pytest.mark.spark
def test_scores_on_spark_are_those_of_this_machine(tmp_path: Path) -> None:
    from pipelines.score_on_spark import contributions_and_probabilities

    rng = np.random.default_rng(3)
    X = pd.DataFrame({"seats": rng.normal(size=900), "plan": rng.choice(["free", "pro"], 900)})
    X.loc[rng.random(900) < 0.2, "seats"] = np.nan
    X.loc[rng.random(900) < 0.2, "plan"] = None
    y = pd.Series((X["seats"].fillna(0) + (X["plan"] == "pro") + rng.normal(size=900) > 1).astype(int))
    blocks = pd.Series(np.repeat(["train", "validation", "test"], 300))
    model = propensity.fit(X, y, block_fold(blocks), tuned=boosting.untuned(), settings=Training(n_folds=2), seed=7)
    keys = pa.table({"account_id": [f"A-{i:03}" for i in range(900)], "as_of": pa.array([20605] * 900, pa.date32())})
    for name in X:
        keys = keys.append_column(name, pa.Array.from_pandas(X[name]))
    pq.write_table(keys, tmp_path / "current.parquet")

    found = contributions_and_probabilities(model, tmp_path / "current.parquet", Engine(kind="spark"))
    assert found[0]["account_id"].tolist() == [f"A-{i:03}" for i in range(900)]
    np.testing.assert_array_equal(found[1], model.contributions(X))
    np.testing.assert_array_equal(found[2], model.probability(X))


def test_a_difference_is_seen() -> None:
    one = {"labels": pd.DataFrame({"account_id": ["a", "b"], "mrr": [100.0, None]})}
    assert compared.difference(one, one) == 0
    for changed, expected in (([101.0, None], 1 / 101), ([100.0, 0.0], np.inf), ([None, None], np.inf)):
        other = {"labels": one["labels"].assign(mrr=pd.Series(changed, dtype="float64"))}
        assert compared.difference(one, other) == pytest.approx(expected)
    assert compared.difference(one, {"labels": one["labels"].assign(account_id=["a", "c"])}) == np.inf
    assert compared.difference(one, {"labels": one["labels"].iloc[:1]}) == np.inf


def test_threads_change_no_bit(tiny_company: Callable[[int], Any], catalog: Catalog, tmp_path: Path) -> None:
    folder = compared.simulated(catalog, tmp_path, accounts=30, months=8)
    found = [compared.computed(engines.connect(Engine(threads=n)), folder, catalog) for n in (1, 4)]
    for name, frame in found[0].items():
        pd.testing.assert_frame_equal(frame, found[1][name], check_exact=True)


@pytest.mark.parametrize("given", [{"kind": "postgres"}, {"kind": "duckdb", "url": "x.duckdb"}, {"kind": "oracle"}])
def test_a_setting_that_cannot_be(given: dict[str, str]) -> None:
    with pytest.raises((BadInput, ValidationError)):
        Engine(**given)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"engine\.url: the server can't be reached"):
        engines.connect(Engine(kind="postgres", url=f"postgres://upsell@/postgres?host={tmp_path}"))
