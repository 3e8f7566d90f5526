"""What is said of the reasons, where it is known: a model that is a sum, and reasons that are wrong on purpose."""

import numpy as np
import pandas as pd
import pytest

from delivery import faithfulness as faith
from delivery.words import LOWERS, RAISES

GROUPS = ["use", "use", "limits", "life", "seats"]
WEIGHTS = np.array([1.0, 0.5, -2.0, 0.1, 0.0])


def margin(matrix: np.ndarray) -> np.ndarray:
    return np.nan_to_num(matrix) @ WEIGHTS


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(300, 5))


def listed(*reasons: str | None) -> pd.DataFrame:
    told = {f"reason_{i}": [reasons[i - 1] if i <= len(reasons) else None] for i in range(1, 6)}
    return pd.DataFrame({"account_id": ["a"], **told})


SPOKEN = pd.DataFrame(
    {
        "account_id": "a",
        "feature": ["(base)", "events", "limit_peak", "limit_seats"],
        "group": [None, "use", "limits", "limits"],
        "contribution": [-2.0, 0.4, -0.3, 0.1],
        "text_en": [None, "Used often", "Close to a limit", "Close to a limit"],
    }
)


def test_a_sentence_with_the_sign_of_its_contribution_agrees() -> None:
    said = faith.sentences(listed(RAISES + "Used often", LOWERS + "Close to a limit"), SPOKEN, "en")
    assert said["group"].tolist() == ["use", "limits"]
    assert said["contribution"].tolist() == [0.4, -0.3]
    assert faith.sign_agreement(said) == 1


@pytest.mark.parametrize(
    "wrong", [LOWERS + "Used often", RAISES + "Never said", "Used often"], ids=["mark", "words", "no mark"]
)
def test_a_wrong_sentence_does_not(wrong: str) -> None:
    said = faith.sentences(listed(RAISES + "Used often", wrong), SPOKEN, "en")
    assert faith.sign_agreement(said) == 0.5


def test_a_list_without_reasons_claims_nothing() -> None:
    assert faith.sign_agreement(faith.sentences(listed(), SPOKEN, "en")) is None


def test_groups_that_matter_move_more_than_others(matrix: np.ndarray) -> None:
    same = {"groups": GROUPS, "categorical": [], "plans": ["pro"] * len(matrix), "margin": margin, "seed": 3}
    right = faith.deletion(matrix, named=[{"limits"}] * len(matrix), **same)
    wrong = faith.deletion(matrix, named=[{"seats"}] * len(matrix), **same)
    expected = np.abs(WEIGHTS[2] * (matrix[:, 2] - np.median(matrix[:, 2]))).mean()
    assert right["named"] == pytest.approx(expected)
    assert right["named"] > right["any"] > right["others"] > 0
    assert right["wins"] > 0.7
    assert (wrong["named"], wrong["wins"]) == (0, 0)


def test_only_accounts_that_name_something_are_counted(matrix: np.ndarray) -> None:
    same = {"groups": GROUPS, "categorical": [], "plans": ["pro"] * len(matrix), "margin": margin, "seed": 3}
    assert faith.deletion(matrix, named=[{"use"}] + [set()] * (len(matrix) - 1), **same)["n"] == 1
    assert faith.deletion(matrix, named=[set()] * len(matrix), **same)["named"] is None


def test_peers_are_those_on_the_same_plan() -> None:
    matrix = np.array([[1.0], [3.0], [100.0], [np.nan]])
    found = faith.typical(matrix, np.array(["a", "a", "b", "c"], dtype=object), [])
    assert found[:3, 0].tolist() == [2, 2, 100]
    assert np.isnan(found[3, 0])


def test_accounts_at_rest_keep_their_reasons(matrix: np.ndarray) -> None:
    later = matrix.copy()
    later[150:] = np.random.default_rng(2).normal(size=(150, 5))
    tops = [faith.top(faith.by_group(x * WEIGHTS, GROUPS)[0], 1) for x in (matrix, later)]
    found = faith.stability(matrix, later, *tops)
    assert found["at_rest"] == 1
    assert found["all"] < 0.95


def test_a_gap_that_closes_is_a_move() -> None:
    now, before = np.array([[np.nan], [1.0], [1.0], [2.0]]), np.array([[1.0], [1.0], [1.0], [2.0]])
    same, other = np.array([[0], [0], [0], [0]]), np.array([[1], [0], [0], [0]])
    found = faith.stability(now, before, same, other)
    assert (found["at_rest"], found["all"]) == (1, 0.75)


def test_reasons_before_upgrades_differ_beyond_chance_only_where_they_do() -> None:
    rng = np.random.default_rng(5)
    accounts, days = np.repeat(np.arange(300), 2), np.tile([0, 1], 300)
    upgraded = np.repeat(rng.random(300) < 0.3, 2)
    told = np.where(upgraded & (rng.random(600) < 0.5), 1, rng.integers(0, 3, 600))
    found = faith.before_upgrades(told, upgraded, accounts, days, seed=1, n=100)
    assert found["distance"] > found["chance"]
    assert (found["n_upgrades"], found["n_patterns"]) == (upgraded.sum(), 1)
    nothing = faith.before_upgrades(rng.integers(0, 3, 600), upgraded, accounts, days, seed=1, n=100)
    assert nothing["distance"] < 2 * nothing["chance"]
    # one reason an account: chance is wider than of six hundred rows that know nothing of one another
    stable = faith.before_upgrades(np.repeat(rng.integers(0, 3, 300), 2), upgraded, accounts, days, seed=1, n=200)
    loose = faith.before_upgrades(rng.integers(0, 3, 600), upgraded, np.arange(600), [0] * 600, seed=1, n=200)
    assert stable["chance"] > 1.15 * loose["chance"]


def test_no_upgrade_is_no_comparison() -> None:
    assert (
        faith.before_upgrades(np.array([1, 2]), np.array([False, False]), ["a", "b"], [0, 0], seed=1)["chance"] is None
    )


def test_true_causes_are_told_from_random_ones() -> None:
    ids = [f"a{i}" for i in range(20)]
    names = ["use", "limits", "life", "seats", "support", "tenure"]
    causes = pd.DataFrame([(i, g, 1.0 if g == "limits" else -1.0) for i in ids for g in names])
    causes.columns = ["account_id", "group", "log_odds"]
    probability = pd.DataFrame({"account_id": ids, "p": np.linspace(0, 1, 20)})

    def rates(*groups: str) -> tuple[object, object, object]:
        told = pd.DataFrame([(i, k + 1, g) for i in ids for k, g in enumerate(groups)])
        told.columns = ["account_id", "place", "group"]
        found = faith.truth_agreement(told, causes, probability, names)
        return found["n"], found["true_cause_rate"], found["random_cause_rate"]

    assert rates("use", "limits", "life") == (2, 1.0, pytest.approx(0.5))  # 3 of 6 groups, one of them true
    assert rates("use", "seats", "life") == (2, 0.0, pytest.approx(0.5))
    assert rates("use", "seats", "life", "limits")[1] == 0  # the fourth is none of the first three
