"""`upsell fit` and `upsell predict` on tables that are good, however odd."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import logit

from data.errors import BadInput
from models.settings import Training
from models.table import Preparation
from pipelines import fit as fitting
from pipelines import model_folder, table_file
from pipelines.fit import Wanted, fit
from pipelines.predict import predict


def silent(line: str) -> None:
    pass


def table(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Every kind of column, two of which matter: `seats` and `plan`."""
    rng = np.random.default_rng(seed)
    day = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n) * 300 // n, unit="D")
    frame = pd.DataFrame(
        {
            "day": day,
            "team": rng.integers(0, n // 5, n).astype(str),
            "seats": rng.integers(1, 100, n),
            "plan": rng.choice(["free", "pro", "enterprise"], n),
            "postcode": rng.integers(0, 400, n).astype(str) + "x",
            "gaps": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
            "is_monthly": rng.random(n) < 0.5,
            "signed_up_on": day - pd.to_timedelta(rng.integers(1, 900, n), unit="D"),
            "infinite": np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
            "constant": 7,
            "empty": None,
            "id": np.arange(n),
            "comment": [f"Spoke with the customer about matter {i} today" for i in range(n)],
        }
    )
    frame["seats_again"] = frame["seats"].astype(float)
    frame["plan_again"] = frame["plan"]
    z = (frame["seats"] - 50) / 15 + 2.0 * (frame["plan"] == "enterprise") - 1.5
    frame["won"] = np.where(rng.random(n) < 1 / (1 + np.exp(-z)), "yes", "no")
    return frame


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame, dict]:
    folder, frame = tmp_path_factory.mktemp("fit"), table()
    frame.to_parquet(folder / "table.parquet", index=False)
    frame.to_csv(folder / "table.csv", index=False)
    report = fit(folder / "table.parquet", Wanted("won", time="day", trials=3), folder / "model", silent)
    return folder, frame, report


def test_the_report_says_what_was_used_what_not_and_how_good_it_is(fitted: tuple) -> None:
    folder, _, report = fitted
    assert report == json.loads((folder / "model" / "report.json").read_text())
    assert report["is_better_than_base_rate"]
    assert report["table"]["positive"] == "yes"
    assert report["judged_on"]["words"].startswith("the last 20% by day, from 2026-08-29 on")
    assert report["dropped"] == {
        "day": "orders the rows",
        "constant": "constant",
        "empty": "empty",
        "id": "counts the rows",
        "comment": "free text (600 values in 600 rows, none of them in 20)",
        "seats_again": "the same as seats",
        "plan_again": "the same as plan",
        "postcode": report["dropped"]["postcode"],
    }
    assert report["dropped"]["postcode"].startswith("a text with nearly as many values as rows")
    assert next(iter(report["importance"])) == "seats"
    assert any("infinite: " in note and "no finite numbers" in note for note in report["notes"])
    shown = fitting.as_text(report)
    assert shown.startswith(report["verdict"])
    assert "plan_again: the same as plan" in shown


def test_a_prediction_has_a_row_per_row_in_order_and_contributions_that_add_up(fitted: tuple) -> None:
    folder, frame, _ = fitted
    shuffled = frame.sample(frac=1, random_state=1).drop(columns=["won", "constant", "comment"])
    shuffled.to_csv(folder / "later.csv", index=False)
    n = predict(folder / "later.csv", folder / "model", folder / "p.parquet", key=["id", "day"], contributions=True,
                say=silent)  # fmt: skip
    found = pd.read_parquet(folder / "p.parquet")
    assert n == len(found) == len(frame)
    assert found["id"].astype(int).tolist() == shuffled["id"].tolist()
    model, preparation = model_folder.read(folder / "model")
    assert list(found.columns) == ["id", "day", "propensity", "low", "high", *preparation.kinds, "(base)"]
    margin = found[[*preparation.kinds, "(base)"]].sum(axis=1)
    np.testing.assert_allclose(model.calibrator.probability(margin.to_numpy()), found["propensity"], rtol=1e-9)
    is_up = found["propensity"] > found["propensity"].median()
    assert shuffled["seats"].to_numpy()[is_up].mean() > shuffled["seats"].to_numpy()[~is_up].mean()


def test_csv_and_parquet_are_one_table(fitted: tuple) -> None:
    folder, _, report = fitted
    again = fit(folder / "table.csv", Wanted("won", time="day", trials=3), folder / "from_csv", silent)
    assert {k: v for k, v in again.items() if k != "notes"} == {k: v for k, v in report.items() if k != "notes"}
    for name in ("table.csv", "table.parquet"):
        predict(folder / name, folder / "model", folder / f"{name}.p.csv", say=silent)
    assert (folder / "table.csv.p.csv").read_bytes() == (folder / "table.parquet.p.csv").read_bytes()


def test_another_process_gives_the_same_bytes(fitted: tuple) -> None:
    folder, _, _ = fitted
    upsell = [sys.executable, "-m", "pipelines.cli"]
    done = subprocess.run(
        [*upsell, "fit", folder / "table.parquet", "--target", "won", "--time", "day", "--trials", "3",
         "--out", folder / "again"], capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.startswith("The model is better than the base rate")
    written = [
        {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (folder / name).iterdir()}
        for name in ("model", "again")
    ]
    assert written[0] == written[1]
    predict(folder / "table.csv", folder / "model", folder / "here.csv", contributions=True, say=silent)
    subprocess.run(
        [*upsell, "predict", folder / "table.csv", "--model", folder / "again", "--contributions",
         "--out", folder / "there.csv"], capture_output=True, check=True)  # fmt: skip
    assert (folder / "here.csv").read_bytes() == (folder / "there.csv").read_bytes()


def test_a_broken_table_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("won,a\n1,2\n1\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "fit", tmp_path / "t.csv", "--target", "won", "--out", tmp_path / "m"],
        capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "Expected 2 columns, got 1" in done.stderr


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda d: (d / "m" / "table.json").unlink(), "holds no model of `upsell fit`"),
        (lambda d: (d / "m" / "table.json").write_text("[1]"), "is not what `upsell fit` wrote"),
        (lambda d: (d / "m" / "model.json").write_text("{}"), "is not one that this project wrote"),
        (lambda d: (d / "m" / "booster_0.txt").write_bytes(b"\xff\xfe"), "is no text"),
        (lambda d: (d / "m" / "booster_0.txt").write_text("tree"), "is not the file that was saved"),
        (lambda d: edit(d / "m" / "table.json", format=0), "of format 0"),
        (lambda d: edit(d / "m" / "table.json", model_version="0"), "belongs to model 0"),
        (lambda d: edit(d / "m" / "table.json", kinds=3), "cannot be read"),
        (lambda d: pd.read_csv(d / "t.csv").drop(columns="seats").to_csv(d / "t.csv", index=False), "lacks seats"),
        (lambda d: (d / "t.csv").write_text(""), "the file is empty"),
    ],
)
def test_what_cannot_be_predicted_is_refused_and_nothing_is_written(
    fitted: tuple, tmp_path: Path, break_it: object, said: str
) -> None:
    folder, frame, _ = fitted
    (tmp_path / "m").mkdir()
    for path in (folder / "model").iterdir():
        (tmp_path / "m" / path.name).write_bytes(path.read_bytes())
    frame.head(9).to_csv(tmp_path / "t.csv", index=False)
    break_it(tmp_path)  # type: ignore[operator]
    before = sorted(p.name for p in tmp_path.rglob("*"))
    with pytest.raises(BadInput, match=said):
        predict(tmp_path / "t.csv", tmp_path / "m", tmp_path / "p.csv", say=silent)
    assert sorted(p.name for p in tmp_path.rglob("*")) == before


def edit(path: Path, **changed: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize(
    ("out", "key", "said"),
    [
        ("p.xlsx", (), "neither .parquet nor .csv"),
        ("nowhere/p.csv", (), "there is no folder"),
        ("table.csv", (), "the table itself"),
        ("p.csv", ("seets",), "did you mean seats"),
        ("p.csv", ("seats",), "the model uses seats"),
    ],
)
def test_a_prediction_that_has_no_place_is_refused(fitted: tuple, out: str, key: tuple[str, ...], said: str) -> None:
    folder, _, _ = fitted
    with pytest.raises(BadInput, match=said):
        predict(folder / "table.csv", folder / "model", folder / out, key=key, contributions=True, say=silent)


def test_words_never_seen_gaps_and_wrong_types_are_missing_and_told(fitted: tuple) -> None:
    folder, frame, _ = fitted
    odd = frame.head(5).assign(plan=["gold", None, "pro", "", "free"], seats=["ten", "1e2", "", "inf", "7"])
    odd.astype({"signed_up_on": "str"}).assign(signed_up_on="soon").to_csv(folder / "odd.csv", index=False)
    said: list[str] = []
    assert predict(folder / "odd.csv", folder / "model", folder / "odd.p.csv", say=said.append) == 5
    assert any(line.startswith("note      seats: 2 of 5 values are no finite numbers") for line in said)
    assert any("signed_up_on: 5 of 5" in line for line in said)
    found = pd.read_csv(folder / "odd.p.csv")
    assert found["row"].tolist() == [1, 2, 3, 4, 5]
    assert found["propensity"].between(0, 1, inclusive="neither").all()


def test_a_table_in_excels_european_dress(tmp_path: Path) -> None:
    frame = table(300)[["seats", "gaps", "won"]].assign(price=lambda f: f["seats"] * 1000.5)
    plain = tmp_path / "plain.csv"
    frame.to_csv(plain, index=False)
    dressed = frame.assign(
        gaps=frame["gaps"].map(lambda v: "" if np.isnan(v) else repr(v).replace(".", ",")),
        price=frame["price"].map(lambda v: f"{v:,.1f}".translate(str.maketrans(",.", ".,"))),
    )
    (tmp_path / "dressed.csv").write_bytes(b"\xef\xbb\xbf" + dressed.to_csv(index=False, sep=";").encode())
    one, two = (
        fit(tmp_path / f"{n}.csv", Wanted("won", trials=1, drop=("seats",)), tmp_path / n, silent)
        for n in ("plain", "dressed")
    )
    assert one == two
    assert one["used"] == {"gaps": "number", "price": "number"}


@pytest.mark.parametrize("rare", [0.01, 0.99])
def test_one_in_a_hundred(tmp_path: Path, rare: float) -> None:
    rng = np.random.default_rng(0)
    n = 3000
    x = rng.normal(size=n)
    won = x + 0.5 * rng.normal(size=n) > np.quantile(x, 1 - rare)
    pd.DataFrame({"x": x, "won": won}).to_parquet(tmp_path / "t.parquet")
    report = fit(tmp_path / "t.parquet", Wanted("won", trials=1), tmp_path / "m", silent)
    assert report["judged_on"]["positives"] > 0
    predict(tmp_path / "t.parquet", tmp_path / "m", tmp_path / "p.parquet", say=silent)
    assert abs(pd.read_parquet(tmp_path / "p.parquet")["propensity"].mean() - won.mean()) < 0.01


def test_too_few_positives_to_choose_by_are_told_and_defaults_taken(tmp_path: Path) -> None:
    frame = table(200).assign(won=np.arange(200) % 8 == 0)
    frame.to_csv(tmp_path / "t.csv", index=False)
    report = fit(tmp_path / "t.csv", Wanted("won", trials=3), tmp_path / "m", silent)
    assert any(note.startswith("not tuned: ") for note in report["notes"])
    assert report["is_better_than_base_rate"] is False
    assert "no signal to act on" in report["verdict"]


def test_a_single_column_and_hundreds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Training(n_folds=1)
    monkeypatch.setattr(fitting, "Training", lambda: one)  # what is wide here is the table, not the ensemble
    x = np.random.default_rng(0).normal(size=(150, 500)).astype("float32")
    wide = pa.table({f"x{i}": x[:, i] for i in range(500)} | {"won": x[:, 17] + x[:, 18] > 0})
    pq.write_table(wide, tmp_path / "wide.parquet")
    pq.write_table(wide.select(["x17", "won"]), tmp_path / "thin.parquet")
    for name, n in (("wide", 500), ("thin", 1)):
        report = fit(tmp_path / f"{name}.parquet", Wanted("won", trials=1), tmp_path / name, silent)
        assert len(report["used"]) == n
        predict(tmp_path / f"{name}.parquet", tmp_path / name, tmp_path / "p.parquet", contributions=True, say=silent)
        assert len(pq.read_schema(tmp_path / "p.parquet").names) == 4 + n + 1


def test_five_thousand_columns_are_read_as_such(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 9, size=(200, 5000))
    rows = [",".join(map(str, row)) for row in x]
    (tmp_path / "t.csv").write_text("\n".join([",".join(f"x{i}" for i in range(5000)), *rows]))
    read = table_file.read(tmp_path / "t.csv")
    made = Preparation.learn(read, target="x0", positive="1")
    np.testing.assert_array_equal(made.features(read).to_numpy(), x[:, 1:])


def test_groups_are_held_out_whole(tmp_path: Path) -> None:
    frame = table(400)
    # The group alone decides: whoever has seen a group's rows knows the answer, nobody else does.
    team = np.repeat(np.arange(80), 5)
    rng = np.random.default_rng(3)
    frame = frame.assign(team=team.astype(str), mark=rng.normal(size=80)[team], won=(rng.random(80) < 0.5)[team])
    frame.to_csv(tmp_path / "t.csv", index=False)
    drop = tuple(c for c in frame if c not in ("team", "mark", "won"))
    apart = fit(tmp_path / "t.csv", Wanted("won", group="team", drop=drop, trials=1), tmp_path / "a", silent)
    assert apart["judged_on"]["groups"] == 16
    assert apart["is_better_than_base_rate"] is False
    mixed = fit(tmp_path / "t.csv", Wanted("won", drop=(*drop, "team"), trials=1), tmp_path / "b", silent)
    assert mixed["ours"]["auc"]["value"] > apart["ours"]["auc"]["value"] + 0.2


def test_a_folder_of_an_earlier_fit_is_replaced_whole(tmp_path: Path) -> None:
    table(300)[["seats", "gaps", "won"]].to_csv(tmp_path / "t.csv", index=False)
    for seed in (0, 1):
        report = fit(tmp_path / "t.csv", Wanted("won", trials=1, seed=seed), tmp_path / "m", silent)
        assert json.loads((tmp_path / "m" / "model.json").read_text())["model_version"] == report["model_version"]
        assert json.loads((tmp_path / "m" / "report.json").read_text())["seed"] == seed
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "t.csv"]


def test_rows_without_a_target_are_left_out_and_counted(tmp_path: Path) -> None:
    frame = table(400)
    frame.loc[frame.index % 4 == 0, "won"] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    report = fit(tmp_path / "t.csv", Wanted("won", trials=1), tmp_path / "m", silent)
    assert report["table"]["rows_without_target"] == 100
    assert report["judged_on"]["rows"] + report["judged_on"]["rows_learnt"] == 300


def test_margins_are_what_contributions_say_of_moments(fitted: tuple) -> None:
    folder, frame, _ = fitted
    model, preparation = model_folder.read(folder / "model")
    assert isinstance(preparation, Preparation)
    X = preparation.features(pq.read_table(folder / "table.parquet"))
    names, summed = preparation.by_column(model.contributions(X), model.features)
    assert "signed_up_on" in names
    np.testing.assert_allclose(summed.sum(axis=1), model.margin(X), rtol=1e-9)
    days = (frame["day"] - frame["signed_up_on"]).dt.days
    np.testing.assert_array_equal(X["signed_up_on: days before"], days)
    assert np.isfinite(logit(model.probability(X))).all()
