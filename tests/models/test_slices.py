import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models import slices
from models.settings import Evaluation
from models.slices import ALPHA, bands, judge

FEW = Evaluation(n_bootstrap=50)


def rows(seed: int, n_groups: int = 500) -> tuple[pd.DataFrame, np.ndarray, pd.Series, np.random.Generator]:
    """Three snapshots of each group: kinds that overlap, a calibrated-by-truth probability, and the group."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), 3)
    plan = rng.choice(["free", "pro", "team"], n_groups, p=[0.2, 0.5, 0.3])
    kinds = pd.DataFrame(
        {
            "plan": plan,
            "size": np.where(rng.random(n_groups) < 0.8, plan, rng.choice(["free", "pro", "team"], n_groups)),
            "region": rng.choice(["eu", "us"], n_groups),
            "industry": rng.choice(list("abcdef"), n_groups),
        }
    ).iloc[group].reset_index(drop=True)  # fmt: skip
    # Kinds differ in their rate and in how much their accounts differ; that is no fault of the model.
    score = -2.0 + 0.5 * (kinds["plan"] == "team") + rng.normal(0, 1, n_groups)[group] * (kinds["plan"] != "free")
    return kinds, expit(score.to_numpy(dtype="float64")), pd.Series(group), rng


def outcome(p: np.ndarray, group: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Windows overlap: a group's snapshots mostly share their fate."""
    shared = rng.random(int(group.max()) + 1)[group]
    return pd.Series(np.where(rng.random(len(p)) < 0.3, rng.random(len(p)), shared) < p)


def test_without_differences_any_flag_is_as_rare_as_claimed() -> None:
    any_flag = []
    for seed in range(60):
        kinds, p, group, rng = rows(seed)
        found = judge(outcome(p, group, rng), p, kinds, settings=FEW, seed=0, groups=group)
        any_flag.append(bool(found["is_flagged"].any()))
    # At most ALPHA; by chance 60 worlds show up to twice that.
    assert np.mean(any_flag) <= 2 * ALPHA
    assert found["level_p"].notna().sum() > 8


def test_a_level_that_is_off_everywhere_is_no_difference() -> None:
    flags = 0
    for seed in range(15):
        kinds, p, group, rng = rows(seed)
        y = outcome(expit(np.log(p / (1 - p)) + 0.5), group, rng)
        flags += int(judge(y, p, kinds, settings=FEW, seed=0, groups=group)["is_flagged"].any())
    assert flags <= 2


def test_a_kind_for_which_the_model_is_wrong_is_named_with_the_cause() -> None:
    kinds, p, group, rng = rows(3, n_groups=3000)
    margin = np.log(p / (1 - p))
    is_team = (kinds["plan"] == "team").to_numpy()
    y = outcome(np.where(is_team, expit(margin + 1.0), p), group, rng)
    found = judge(y, p, kinds, settings=FEW, seed=0, groups=group).set_index(["slice", "value"])
    team = found.loc[("plan", "team")]
    assert team["is_flagged"]
    assert team["why"] == "level"
    assert team["level_off"] == pytest.approx(1.0, abs=0.35)
    assert team["gap"] < -0.1
    assert team["mean_p"] < team["rate_low"]
    assert not found.loc["region"]["is_flagged"].any()
    # Its order says nothing there: the slope.
    blind = np.where(is_team, p[is_team].mean(), p)
    found = judge(outcome(blind, group, rng), p, kinds, settings=FEW, seed=0, groups=group).set_index(
        ["slice", "value"]
    )
    assert "slope" in found.loc[("plan", "team")]["why"]
    assert found.loc[("plan", "team")]["slope_off"] < 0


def test_small_kinds_are_reported_and_not_tested_and_gaps_are_a_kind() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.4, 2000)
    y = pd.Series(rng.random(2000) < p)
    kind = pd.Series(["big"] * 1970 + ["small"] * 30)
    y[kind == "small"] = False
    kind[:900] = None
    found = judge(y, p, pd.DataFrame({"kind": kind}), settings=FEW, seed=0).set_index("value")
    assert found.index.tolist() == ["(unknown)", "big", "small"]
    assert pd.isna(found.loc["small", "level_p"])
    assert pd.isna(found.loc["small", "auc"])
    assert not found.loc["small", "is_flagged"]
    assert found["n_rows"].tolist() == [900, 1070, 30]


def test_a_model_that_says_the_same_of_all_is_measured_and_not_tested() -> None:
    y = pd.Series(np.arange(400) % 8 == 0)
    kind = pd.DataFrame({"kind": ["a", "b"] * 200})
    found = judge(y, np.full(400, 0.125), kind, settings=FEW, seed=0)
    assert found["level_p"].isna().all()
    assert not found["is_flagged"].any()
    assert list(found.columns) == list(slices.COLUMNS)


def test_no_slices_give_an_empty_table() -> None:
    found = judge(pd.Series([True, False]), np.array([0.2, 0.3]), pd.DataFrame(index=range(2)), settings=FEW, seed=0)
    assert list(found.columns) == list(slices.COLUMNS)
    assert len(found) == 0


def test_bands_keep_gaps_and_their_index() -> None:
    found = bands(pd.Series([None, 20.0, 19.9], index=[5, 7, 9]), [20.0], " seats")
    assert found.index.tolist() == [5, 7, 9]
    assert found.isna().tolist() == [True, False, False]
    assert found.tolist()[1:] == ["2: 20 seats or more", "1: under 20 seats"]
