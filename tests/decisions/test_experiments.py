"""The holdout stays what it is when the company changes, and the difference to it is what the list adds."""

import numpy as np
import pandas as pd
import pytest

from data.errors import BadInput
from decisions.experiments import balance, difference, evenest_salt, held_out

IDS = pd.Series([f"acc-{i:05}" for i in range(4_000)])


def test_nobody_moves_when_others_join_leave_or_change_their_plan() -> None:
    before = held_out(IDS, share=0.05, salt="s")
    joined = pd.concat([pd.Series([f"new-{i}" for i in range(700)]), IDS.sample(frac=0.8, random_state=1)])
    after = pd.Series(held_out(joined, share=0.05, salt="s").to_numpy(), index=joined.to_numpy())
    stayed = IDS[IDS.isin(joined)]
    assert after[stayed].tolist() == before[stayed.index].tolist()
    moved_plan = held_out(IDS, share=0.05, salt="s", strata=pd.Series("other", index=IDS.index), share_of={"x": 0.5})
    assert moved_plan.equals(before)


def test_a_stratum_may_have_its_own_share() -> None:
    strata = pd.Series(np.where(IDS.index % 4 == 0, "large", "small"), index=IDS.index)
    held = held_out(IDS, share=0.1, salt="s", strata=strata, share_of={"large": 0.02})
    rates = held.groupby(strata).mean()
    assert rates["large"] == pytest.approx(0.02, abs=0.02)
    assert rates["small"] == pytest.approx(0.1, abs=0.02)
    with pytest.raises(BadInput, match="needs the columns that make a stratum"):
        held_out(IDS, share=0.1, salt="s", share_of={"large": 0.02})


def test_the_evenest_salt_is_even_and_no_accounts_favourite() -> None:
    strata = pd.Series([f"s{i % 8}" for i in range(400)])
    ids = IDS[:400]
    plain = balance(strata, held_out(ids, share=0.1, salt="z-0"), share=0.1)["off"].abs().sum()
    salt, distance = evenest_salt(ids, strata, share=0.1, salt="z", n_tries=60)
    even = balance(strata, held_out(ids, share=0.1, salt=salt), share=0.1)["off"].abs().sum()
    assert even < plain
    assert distance < 8  # the mean over salts, by its definition
    # the choice looks at counts alone, so no account is favoured: over many beginnings, one in ten, as of coins
    times = sum(
        held_out(ids, share=0.1, salt=evenest_salt(ids, strata, share=0.1, salt=f"t{i}", n_tries=8)[0]).to_numpy()
        for i in range(60)
    )
    assert np.mean(times) / 60 == pytest.approx(0.1, abs=0.01)
    assert np.var(times) == pytest.approx(60 * 0.1 * 0.9, rel=0.35)


def test_the_difference_finds_what_the_list_adds_though_strata_differ() -> None:
    random = np.random.default_rng(0)
    strata = pd.Series(np.where(IDS.index % 3 == 0, "large", "small"))
    base = np.where(strata == "large", 0.30, 0.05)
    found, errors = [], []
    for i in range(150):
        held = held_out(IDS, share=0.1, salt=f"run-{i}")
        y = pd.Series(random.random(len(IDS)) < base + np.where(held, 0.0, 0.04))
        one = difference(y, held, strata)
        found.append(one["effect"])
        errors.append(one["se"])
    assert np.mean(found) == pytest.approx(0.04, abs=3 * np.std(found) / np.sqrt(150))
    assert np.mean(np.abs(np.array(found) - 0.04) < 1.96 * np.array(errors)) == pytest.approx(0.95, abs=0.06)
    with pytest.raises(BadInput, match="stratum rare has fewer than two"):
        difference(pd.Series([1, 0, 1]), pd.Series([True, False, False]), pd.Series("rare", index=range(3)))
