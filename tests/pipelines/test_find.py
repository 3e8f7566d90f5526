"""Stages `find` and `trigger` on a tiny company in which the truth about one trigger is planted."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from data.catalog import Catalog
from data.errors import BadInput
from features.triggers import Triggers, triggers
from pipelines import find, paths, tables, trigger
from tests.conftest import to_arrow
from tests.golden.staged import table

PROJECT = Path(__file__).parents[2]
N, PLANTED = 400, 7  # accounts; locked features tried, from which on they expand
BLOCKS = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
DAYS = pd.date_range("2025-01-01", periods=len(BLOCKS), freq="MS").astype("datetime64[us]")
NOW = pd.Timestamp("2026-06-01")


@dataclass(frozen=True)
class Tiny:
    folder: Path
    said: str

    def thresholds(self) -> dict[str, dict[str, object]]:
        told: dict[str, dict[str, object]] = json.loads((self.folder / paths.THRESHOLDS).read_text())
        return told


def written_company(folder: Path) -> None:
    """Staged tables (no touchpoints, no surveys), features and labels; all is chance but for gated_events_28d."""
    rng = np.random.default_rng(0)
    catalog = Catalog.load(PROJECT / "catalog.yaml")
    for name in ("params.yaml", "catalog.yaml"):
        shutil.copy(PROJECT / name, folder)
    (folder / paths.STAGED).mkdir(parents=True)
    for name in ("accounts", "subscriptions", "usage"):
        row = {
            "account_id": "A-000",
            "used_on": "2026-05-01",
            "signed_up_on": "2025-01-01",
            "valid_from_on": "2025-01-01",
        }
        kept = {column: value for column, value in row.items() if column in table(name, [{**row}]).columns}
        pq.write_table(to_arrow(name, table(name, [kept])), folder / paths.STAGED / f"{name}.parquet")

    def features(days: pd.DatetimeIndex) -> pd.DataFrame:
        n = N * len(days)
        drawn = {t.column: np.abs(rng.normal(size=n)) for t in triggers(Triggers(), catalog)}
        drawn.pop("days_since_executive")
        return pd.DataFrame(
            {
                "account_id": np.repeat([f"A-{i:03}" for i in range(N)], len(days)),
                "as_of": np.tile(days, N),
                **drawn,
                "gated_events_28d": rng.integers(0, 12, n),
                "active_days_28d": 20,
                "peak_users_28d": 9,
                "billing": "annual",
            }
        )

    training = features(DAYS)
    p = np.where(training["gated_events_28d"] >= PLANTED, 0.3, 0.05)
    labels = training[["account_id", "as_of"]].assign(
        is_expansion=rng.random(len(p)) < p, added_mrr=0.0, block=np.tile(BLOCKS, N)
    )
    tables.TRAINING.write(training)
    tables.LABELS.write(labels)
    tables.CURRENT.write(features(pd.DatetimeIndex([NOW])).assign(nps_age_days=9, renews_on=NOW))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tiny:
    monkeypatch.chdir(tmp_path)
    written_company(tmp_path)
    find.main()
    return Tiny(tmp_path, capsys.readouterr().out)


def test_auto_takes_what_the_data_hold_and_says_where_they_hold_nothing(tiny: Tiny) -> None:
    told = tiny.thresholds()
    assert told["gated_features"] | {"lift": None} == {
        "number": PLANTED, "source": "auto", "setting": "gated_events", "column": "gated_events_28d",
        "direction": "at_least", "verdict": "holds", "lift": None,
    }  # fmt: skip
    assert (told["limit_storage_gb"]["number"], told["limit_storage_gb"]["source"]) == (0.8, "params")
    assert (told["power_features"]["number"], told["power_features"]["source"]) == (3, "default")
    assert (told["executive_engaged"]["verdict"], told["executive_engaged"]["number"]) == ("too little data", 60)
    sentences = {line.split(":")[0]: line for line in tiny.said.splitlines()}
    assert set(sentences) == {name for name, t in told.items() if t["source"] != "params"}
    assert f"is at least {PLANTED}, found in data: such accounts expanded 1." in sentences["gated_features"]
    assert sentences["executive_engaged"] == (
        "executive_engaged: fires where days_since_executive is at most 60, the default: "
        "too few accounts or expansions to find one."
    )


def test_the_table_holds_both_numbers_of_every_trigger(tiny: Tiny) -> None:
    rows = pd.read_csv(find.TABLE)
    assert rows[rows["which"] == "given"]["trigger"].tolist() == list(tiny.thresholds())
    assert rows.groupby("trigger")["is_in_force"].sum().eq(1).all()
    in_force = rows[rows["is_in_force"]].set_index("trigger")["threshold"]
    assert in_force.to_dict() == {name: t["number"] for name, t in tiny.thresholds().items()}
    gated = rows[(rows["trigger"] == "gated_features") & (rows["which"] == "found")].iloc[0]
    labels, training = tables.LABELS.read(), tables.TRAINING.read()
    late = training[(labels["block"] == "test").to_numpy()]["gated_events_28d"] >= PLANTED
    expands = labels.loc[labels["block"] == "test", "is_expansion"]
    assert gated["test_lift"] == pytest.approx(expands[late.to_numpy()].mean() / expands.mean(), abs=1e-6)
    curves = pd.read_csv(find.CURVES)
    assert gated["train_lift"] == curves.set_index(["trigger", "threshold"]).loc[("gated_features", PLANTED), "lift"]


def test_triggers_fire_from_the_number_found(tiny: Tiny) -> None:
    trigger.main()
    now, fired = tables.CURRENT.read(), tables.TRIGGERS.read()
    expected = now.loc[now["gated_events_28d"] >= PLANTED, "account_id"].tolist()
    assert fired.loc[fired["trigger"] == "gated_features", "account_id"].tolist() == expected
    assert 0 < len(expected) < N


def test_the_same_bytes_again(tiny: Tiny) -> None:
    files = [paths.THRESHOLDS, find.TABLE, find.CURVES]
    before = [file.read_bytes() for file in files]
    find.main()
    assert [file.read_bytes() for file in files] == before


def test_a_number_given_since_stands(tiny: Tiny) -> None:
    params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    params["triggers"]["gated_events"] = 2
    paths.PARAMS.write_text(yaml.safe_dump(params))
    trigger.main()  # with what was found before
    now, fired = tables.CURRENT.read(), tables.TRIGGERS.read()
    assert (fired["trigger"] == "gated_features").sum() == (now["gated_events_28d"] >= 2).sum()


def test_without_thresholds_nothing_fires_and_a_sentence_says_so(tiny: Tiny) -> None:
    paths.THRESHOLDS.unlink()
    with pytest.raises(BadInput, match=r"thresholds\.json: there is no such file yet; run `dvc repro`\."):
        trigger.main()
    assert not tables.TRIGGERS.path.exists()
