"""A prior shift of known size is found within its interval; other shifts correct nothing; corrections add up."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from models.calibrator import Calibrator
from models.folds import Fold
from models.propensity import Propensity
from models.shift import Reading, Shift, corrected, moved, rehearsed
from models.vocabulary import Vocabulary

APART = 1.5  # positives' margins lie so far above the negatives', both with variance 1: calibrated by Bayes' rule


def drawn(rng: np.random.Generator, n: int, rate: float, calibrated_at: float) -> tuple[np.ndarray, np.ndarray]:
    """Margins (log-odds at the rate `calibrated_at`) and labels of rows whose true rate is `rate`."""
    y = (rng.random(n) < rate).astype("float64")
    score = rng.normal(size=n) + APART * y
    return APART * score - APART**2 / 2 + logit(calibrated_at), y


def reference(seed: int, *, n: int = 3000, rate: float = 0.1, trusts_em: bool = True) -> Shift:
    rng = np.random.default_rng(seed)
    found = Shift.of(*drawn(rng, n, rate, rate))
    return Shift(**{**vars(found), "trusts_em": trusts_em})


def test_the_rate_lies_within_its_interval_as_often_as_claimed() -> None:
    n, covered, errors = 40, 0, []
    for seed in range(n):
        true = (0.05, 0.1, 0.25)[seed % 3]
        margin, _ = drawn(np.random.default_rng(1000 + seed), 1500, true, 0.1)
        reading = reference(seed).read(expit(margin), seed=seed)
        assert reading.low is not None
        assert reading.high is not None
        assert reading.rate_em is not None
        covered += reading.low <= true <= reading.high
        errors.append(logit(reading.rate_em) - logit(true))
    assert covered >= 30  # 90 % are claimed; fewer than 30 of 40 has a probability below 0.002
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(n) + 0.02


@pytest.mark.parametrize("true", [0.03, 0.3])
def test_a_prior_shift_of_known_size_is_corrected(true: float) -> None:
    margin, _ = drawn(np.random.default_rng(5), 4000, true, 0.1)
    reading = reference(4).read(expit(margin))
    assert reading.is_corrected
    assert reading.correction == pytest.approx(logit(true) - logit(0.1), abs=0.3)
    assert expit(margin + reading.correction).mean() == pytest.approx(true, rel=0.25)
    assert abs(expit(margin).mean() - true) > 0.3 * true  # without it


def test_without_a_shift_nothing_is_corrected() -> None:
    n_corrected = 0
    for seed in range(25):
        margin, _ = drawn(np.random.default_rng(2000 + seed), 1500, 0.1, 0.1)
        reading = reference(seed).read(expit(margin), seed=seed)
        n_corrected += reading.is_corrected
        assert not reading.distribution_moved
    assert n_corrected <= 7  # of 25, where one in ten is claimed: more has a probability below 0.01


def test_a_wider_spread_of_the_same_rate_is_not_taken_for_another_rate() -> None:
    """Covariates move, the rate does not: the classes overlap more or less than they did."""
    for seed, spread in enumerate((0.5, 2.0)):
        margin, _ = drawn(np.random.default_rng(seed), 3000, 0.1, 0.1)
        centre = margin.mean()
        wider = centre + spread * (margin - centre)
        wider += logit(0.1) - logit(expit(wider).mean())
        trusting, careful = reference(seed), reference(seed, trusts_em=False)
        assert not careful.read(expit(wider)).is_corrected
        reading = trusting.read(expit(wider))
        assert reading.distribution_moved
        assert not reading.is_corrected or (reading.low is not None and not reading.low <= 0.1 <= reading.high)


def test_em_is_trusted_only_where_it_beat_the_rate_carried_forward() -> None:
    rng = np.random.default_rng(0)
    rates = [0.05, 0.15, 0.06, 0.2]
    fold = np.repeat(np.arange(4), 2000)
    groups = np.arange(8000)

    def told(is_prior_shift: bool) -> tuple[np.ndarray, np.ndarray]:
        parts = [drawn(rng, 2000, rate if is_prior_shift else 0.1, 0.1) for rate in rates]
        margin, y = (np.concatenate(column) for column in zip(*parts, strict=True))
        if not is_prior_shift:  # scores wander, the rate stays
            margin = margin + np.repeat([0.0, 1.5, -1.0, 1.0], 2000)
        return margin, y

    margin, y = told(True)
    trusts, origins = rehearsed(margin, y, fold, [0.1] * 4, groups)
    assert trusts
    assert len(origins) == 3
    margin, y = told(False)
    trusts, origins = rehearsed(margin, y, fold, [0.1] * 4, groups)
    assert not trusts
    assert all(abs(o["carried"] - o["rate"]) < 0.03 for o in origins)


def test_boosters_trained_at_another_rate_are_no_shift() -> None:
    """Each fold's model carries the rate that it learnt from in its margins; that is not the rows' doing."""
    rng = np.random.default_rng(1)
    learnt_at = [0.05, 0.1, 0.2]
    parts = [drawn(rng, 3000, 0.1, rate) for rate in learnt_at]
    margin, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    _, origins = rehearsed(margin, y, np.repeat(np.arange(3), 3000), learnt_at, np.arange(9000))
    assert all(o["low"] < o["rate"] < o["high"] for o in origins)


def test_off_means_off_and_few_rows_say_nothing() -> None:
    margin, _ = drawn(np.random.default_rng(5), 4000, 0.3, 0.1)
    off = reference(4).read(expit(margin), correct=False)
    assert off.correction == 0
    assert off.rate_em is not None
    assert off.why == "correction is off"
    few = reference(4).read(expit(margin[:50]))
    assert few.rate_em is None
    assert few.correction == 0
    assert reference(4).read(np.zeros(0)).correction == 0


def test_scores_without_signal_are_never_corrected() -> None:
    flat = Shift.of(np.full(500, -2.0), (np.arange(500) % 8 == 0).astype("float64"))
    reading = flat.read(np.full(400, 0.3))
    assert reading.rate_em is None
    assert not reading.is_corrected


def test_a_base_rate_that_moved_is_told_from_one_that_did_not() -> None:
    rng = np.random.default_rng(0)
    fold = Fold(np.arange(3000), np.arange(3000, 4000))
    n_false = 0
    for _ in range(60):
        y = (rng.random(4000) < 0.1).astype("float64")
        found = moved(y, [fold])
        assert found is not None
        n_false += found.has_moved
    assert n_false <= 13  # one in ten is claimed
    truth, n_covered = logit(0.12) - logit(0.05), 0
    for _ in range(60):
        y = (rng.random(4000) < np.where(np.arange(4000) < 3000, 0.05, 0.12)).astype("float64")
        found = moved(y, [fold])
        assert found is not None
        assert found.has_moved
        n_covered += found.low <= truth <= found.high
    assert n_covered >= 46  # of 60: fewer has a probability below 0.001
    # Rows repeated four times over are no more evidence, where they are known to belong together.
    few = rng.random(1000) < 0.1
    alone, fourfold = (
        moved(few, [Fold(np.arange(700), np.arange(700, 1000))]),
        moved(np.repeat(few, 4), [Fold(np.arange(2800), np.arange(2800, 4000))], groups=np.repeat(np.arange(1000), 4)),
    )
    assert alone is not None
    assert fourfold is not None
    assert fourfold.low == pytest.approx(alone.low)
    assert moved(np.zeros(4000), [fold]) is None


@given(
    st.floats(-4, 4),
    st.lists(st.floats(-5, 5), min_size=1, max_size=5),
    st.sampled_from(
        [
            Calibrator("none"),
            Calibrator("sigmoid", 1.3, -0.4),
            Calibrator("isotonic", knots=((-2.0, 0.05), (1.0, 0.6))),
            Calibrator("bent", 1.3, -0.4, bend=-0.5, knee=-1.0),
        ]
    ),
)
def test_a_correction_moves_log_odds_and_contributions_still_add_up(
    correction: float, margins: list[float], calibrator: Calibrator
) -> None:
    margin = np.array(margins)
    after = corrected(calibrator, correction)
    knots = np.array([x for x, _ in calibrator.knots]) if calibrator.knots else margin
    assert logit(after.probability(knots)) - logit(calibrator.probability(knots)) == pytest.approx(
        np.full(len(knots), correction), abs=1e-6
    )
    shares = np.column_stack([margin * 0.3, margin * 0.7 - 0.2])
    points = after.points(shares, shares.sum(axis=1) - 1.0, base_margin=-1.0)
    base = 100 * after.probability(np.array([-1.0]))
    assert points.sum(axis=1) + base == pytest.approx(100 * after.probability(shares.sum(axis=1) - 1.0), abs=1e-5)


def test_it_is_kept_with_the_model_and_part_of_its_version() -> None:
    shift = reference(1)
    with_it = Propensity((), Vocabulary(("x",), {}), Calibrator("none"), {}, shift)
    back = Propensity.from_files(with_it.to_files())
    assert back.shift == shift
    assert back.model_version != Propensity((), Vocabulary(("x",), {}), Calibrator("none")).model_version
    margin, _ = drawn(np.random.default_rng(5), 2000, 0.3, 0.1)
    reading = back.read(expit(margin))
    assert isinstance(reading, Reading)
    assert reading == shift.read(expit(margin))
    assert back.corrected(reading).calibrator != back.calibrator
    assert back.corrected(None) is back


@pytest.mark.parametrize("n", [0, 20, 400])
@pytest.mark.parametrize("level", [-9.0, 0.0, 3.0])
def test_a_reading_of_any_number_of_rows_can_be_written(n: int, level: float) -> None:
    """Few rows far off once gave a flag of NumPy's, which is no JSON."""
    margin = level + np.random.default_rng(n).normal(size=n)
    told = reference(2).read(expit(margin)).to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_scores_that_moved_far_are_told() -> None:
    margin, _ = drawn(np.random.default_rng(5), 2000, 0.5, 0.1)
    reading = reference(4).read(expit(margin), correct=False)
    assert reading.distribution_moved
    assert reading.psi > 0.1
    assert reading.ks > 0.1
