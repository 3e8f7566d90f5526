"""The weeks that are promised, against weeks that are simulated."""

import numpy as np
import pytest

from data.errors import BadInput
from decisions.power import Design, of_rate, power, smallest_effect, standard_error, weeks_until


def seen(design: Design, effect: float, weeks: int, *, n_runs: int = 1_500, seed: int = 0) -> float:
    """How often a test calls the effect, in simulated weeks: accounts with a level of their own, in turn."""
    random = np.random.default_rng(seed)
    n = int(design.n_accounts)
    visits = np.arange(int(design.accounts_per_week) * weeks) % n
    count = np.bincount(visits, minlength=n)
    calls = 0
    for _ in range(n_runs):
        held = random.permutation(n) < round(design.holdout_share * n)
        level = random.normal(0, design.sd * np.sqrt(design.correlation), n)
        noise = design.sd * np.sqrt(1 - design.correlation) / np.sqrt(np.maximum(count, 1))
        mean = level + random.normal(0, 1, n) * noise + np.where(held, 0.0, effect)
        mine = count > 0
        a, b = mean[mine & ~held], mean[mine & held]
        z = (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
        calls += abs(z) > 1.96
    return calls / n_runs


@pytest.mark.parametrize(
    ("design", "effect"),
    [
        (Design(400, 12_000, 0.2, sd=of_rate(0.12)), 0.04),  # always new accounts
        (Design(300, 900, 0.2, sd=of_rate(0.12), correlation=0.2), 0.05),  # the same ones again and again
        (Design(200, 1_000, 0.5, sd=400.0), 60.0),  # money
    ],
)
def test_after_the_weeks_that_it_says_the_effect_is_seen_as_often_as_it_says(design: Design, effect: float) -> None:
    weeks = weeks_until(design, effect)
    assert weeks is not None
    assert weeks > 1
    expected = power(design, effect, weeks)
    assert power(design, effect, weeks - 1) < 0.8
    assert expected >= 0.8
    assert seen(design, effect, weeks) == pytest.approx(expected, abs=0.045)  # four standard errors of 1,500 runs
    assert seen(design, 0.0, weeks) == pytest.approx(0.05, abs=0.025)


def test_of_a_rate_that_happens_or_not() -> None:
    """Yes and no instead of normal outcomes, once per account."""
    design = Design(500, 50_000, 0.1, sd=of_rate(0.1))
    weeks = weeks_until(design, 0.035)
    assert weeks is not None
    random = np.random.default_rng(1)
    n = 500 * weeks
    held, listed = round(n * 0.1), n - round(n * 0.1)
    a = random.binomial(listed, 0.135, 4_000) / listed
    b = random.binomial(held, 0.1, 4_000) / held
    error = np.sqrt(a * (1 - a) / listed + b * (1 - b) / held)
    assert np.mean(np.abs(a - b) > 1.96 * error) == pytest.approx(power(design, 0.035, weeks), abs=0.05)


def test_weeks_move_as_they_must() -> None:
    base = Design(300, 30_000, 0.1, sd=0.3)
    weeks = weeks_until(base, 0.02)
    assert weeks is not None

    def of(**change: float) -> int:
        found = weeks_until(Design(**(base.__dict__ | change)), 0.02)
        assert found is not None
        return found

    assert of(holdout_share=0.5) < weeks < of(holdout_share=0.05)
    assert of(accounts_per_week=600) < weeks < of(sd=0.4)
    assert of(known_after_days=90) == weeks + 13
    assert weeks_until(base, 0.0) is None
    assert standard_error(base, 10) > standard_error(base, 20)


def test_what_no_number_of_weeks_will_show() -> None:
    few = Design(100, 400, 0.1, sd=0.3, correlation=0.6)
    assert weeks_until(few, 0.02, at_most=2_000) is None
    assert smallest_effect(few, 2_000) > 0.02
    assert power(few, smallest_effect(few, 50), 50) == pytest.approx(0.8, abs=1e-6)


def test_designs_that_compare_nothing_are_refused() -> None:
    for change in ({"holdout_share": 0.0}, {"sd": 0.0}, {"correlation": 2.0}, {"accounts_per_week": -1.0}):
        with pytest.raises(BadInput, match="power: "):
            Design(**({"accounts_per_week": 1, "n_accounts": 1, "holdout_share": 0.5, "sd": 1.0} | change))
