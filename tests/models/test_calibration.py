import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from models import calibration
from models.calibrator import Calibrator


def drawn(p: np.ndarray, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(p)) < p).astype(float)


def margins(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(-2, 1.2, size=n)


def test_a_known_slope_and_intercept_are_found() -> None:
    margin = margins(40_000)
    y = drawn(expit(0.6 * margin + 0.4))
    fitted = calibration.fit_sigmoid(margin, y, np.arange(len(y)))
    assert fitted.slope == pytest.approx(0.6, abs=0.05)
    assert fitted.intercept == pytest.approx(0.4, abs=0.08)


def test_groups_that_repeat_themselves_count_once() -> None:
    margin = margins(120, seed=3)
    y = drawn(expit(1 + 0.9 * margin), seed=4)
    once = calibration.fit_sigmoid(margin, y, np.arange(120))
    # Thirty copies of each row are no more evidence, so the slope is shrunk as much as before.
    copies = calibration.fit_sigmoid(np.repeat(margin, 30), np.repeat(y, 30), np.repeat(np.arange(120), 30))
    fooled = calibration.fit_sigmoid(np.repeat(margin, 30), np.repeat(y, 30), np.arange(3600))
    assert copies.slope == pytest.approx(once.slope, rel=0.15)
    assert fooled.slope > 1.3 * copies.slope > 0


@pytest.mark.parametrize("seed", range(10))
def test_noise_and_falling_maps_become_the_base_rate(seed: int) -> None:
    margin = margins(2000, seed=seed)
    noise = calibration.choose(margin, drawn(np.full(2000, 0.1), seed + 100), np.arange(2000), prior=0.1).calibrator
    assert np.ptp(noise.probability(np.array([-4.0, 0.0]))) < 0.05
    falling = calibration.choose(margin, drawn(expit(-margin - 4), seed), np.arange(2000), prior=0.1).calibrator
    assert falling.slope == 0.0


def test_the_choice_follows_the_truth() -> None:
    margin = margins(20_000)
    every = np.arange(len(margin))
    straight = calibration.choose(margin, drawn(expit(margin)), every, prior=0.1)
    assert set(straight.losses) == {"none", "sigmoid", "bent", "isotonic"}
    c = straight.calibrator  # a tie of three, and no bend is made up
    assert (c.kind, c.slope, c.bend) == ("bent", pytest.approx(1.0, abs=0.06), pytest.approx(0.0, abs=0.06))
    stairs = np.where(margin < -2, 0.02, 0.4)
    assert calibration.choose(margin, drawn(stairs), every, prior=0.1).calibrator.kind == "isotonic"


def test_each_kind_is_taken_where_it_is_clearly_better(monkeypatch: pytest.MonkeyPatch) -> None:
    margin = margins(3000)
    y, every = drawn(expit(margin)), np.arange(3000)
    flat = Calibrator("sigmoid", slope=0.0, intercept=-2.0)
    for kind in ("none", "sigmoid", "isotonic"):
        fits = {k: fit if k == kind else lambda *_: flat for k, fit in calibration.FITS.items()}
        with monkeypatch.context() as others_see_nothing:
            others_see_nothing.setattr(calibration, "FITS", fits)
            assert calibration.choose(margin, y, every, prior=0.1).calibrator.kind == kind


def test_a_bend_is_found_where_there_is_one_and_the_level_does_not_decide() -> None:
    """A map that rises three times as fast at the low end."""
    true = Calibrator("bent", slope=1.0, intercept=-0.9, bend=-0.5, knee=-1.8)
    at = np.array([-4.5, -3.5, -2.5, -1.5, -0.5])
    errors, kinds = [], []
    for seed in range(10):
        margin, groups = margins(9000, seed=seed), np.arange(9000) // 3
        y = drawn(true.probability(margin), seed + 100)
        choice = calibration.choose(margin, y, groups, prior=0.1)
        kinds.append(choice.calibrator.kind)
        off = [
            logit(c.probability(at)) - logit(true.probability(at))
            for c in (choice.calibrator, calibration.fit_sigmoid(margin, y, groups))
        ]
        errors.append([np.abs(o - o.mean()).mean() for o in off])
    assert kinds.count("bent") >= 9
    bent, straight = np.mean(errors, axis=0)
    assert bent < 0.6 * straight
    # Another level of the margins is no other shape.
    moved = calibration.choose(margin + 0.4, y, groups, prior=0.1)
    assert moved.losses == pytest.approx(choice.losses, abs=1e-6)


def test_copies_bend_it_no_more() -> None:
    margin = margins(1500, seed=3)
    y = drawn(Calibrator("bent", slope=1.0, intercept=-0.7, bend=-0.6, knee=-2.0).probability(margin), seed=4)
    once = calibration.fit_bent(margin, y, np.arange(1500))
    copies = calibration.fit_bent(np.repeat(margin, 20), np.repeat(y, 20), np.repeat(np.arange(1500), 20))
    fooled = calibration.fit_bent(np.repeat(margin, 20), np.repeat(y, 20), np.arange(30_000))
    shares = [c.bend / c.slope for c in (once, copies, fooled)]
    assert shares[1] == pytest.approx(shares[0], rel=0.1)
    assert shares[2] < 1.2 * shares[1] < 0


def test_isotonic_of_its_own_kind_is_near_the_truth() -> None:
    margin = margins(50_000)
    truth = 0.05 + 0.5 * (margin > -2) * (margin + 2).clip(0, 1)
    fitted = calibration.fit_isotonic(margin, drawn(truth), np.arange(len(margin)))
    assert np.abs(fitted.probability(margin) - truth).mean() < 0.01


def test_one_class_falls_back_to_the_prior() -> None:
    none = calibration.choose(margins(9), np.zeros(9), np.arange(9), prior=0.2).calibrator
    np.testing.assert_allclose(none.probability(np.array([-1.0, 5.0])), 0.02)
    empty = calibration.choose(np.zeros(0), np.zeros(0), np.zeros(0), prior=0.2).calibrator
    np.testing.assert_allclose(empty.probability(np.array([3.0])), 0.2)


def test_separated_classes_stay_finite() -> None:
    margin = np.concatenate([np.full(50, -3.0), np.full(50, 3.0)])
    chosen = calibration.choose(margin, (margin > 0).astype(float), np.arange(100), prior=0.5).calibrator
    p = chosen.probability(margin)
    assert 0 < p.min() < 0.1
    assert 0.9 < p.max() < 1


calibrators = st.one_of(
    st.just(Calibrator("none")),
    st.builds(Calibrator, st.just("sigmoid"), slope=st.floats(0, 5), intercept=st.floats(-3, 3)),
    st.builds(
        lambda slope, share, **rest: Calibrator("bent", slope=slope, bend=share * slope, **rest),
        slope=st.floats(0, 2.5),
        share=st.floats(-1, 1),
        intercept=st.floats(-3, 3),
        knee=st.floats(-3, 3),
        width=st.floats(0.2, 2),
    ),
    st.builds(
        lambda xs, ps: Calibrator("isotonic", knots=tuple(zip(sorted(xs), sorted(ps), strict=True))),
        st.lists(st.integers(-400, 400).map(lambda i: i / 100), min_size=4, max_size=4, unique=True),
        st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4),
    ),
)
rows = st.lists(st.lists(st.floats(-2, 2), min_size=3, max_size=3), min_size=1, max_size=6)


@given(calibrators, rows, st.floats(-3, 3))
def test_points_add_up_and_keep_the_sign(calibrator: Calibrator, rows: list[list[float]], base: float) -> None:
    parts = np.array(rows)
    margin = base + parts.sum(axis=1)
    points = calibrator.points(parts, margin, base)
    whole = 100 * (calibrator.probability(np.array([base]))[0] + 0 * margin) + points.sum(axis=1)
    np.testing.assert_allclose(whole, 100 * calibrator.probability(margin), atol=1e-6, rtol=0)
    assert (points * parts >= 0).all()


@given(calibrators, st.lists(st.floats(-6, 6), min_size=2, max_size=30))
def test_a_calibrator_never_falls_and_survives_json(calibrator: Calibrator, margin: list[float]) -> None:
    ordered = np.sort(margin)
    p = calibrator.probability(ordered)
    assert (np.diff(p) >= 0).all()
    assert ((p > 0) & (p < 1)).all()
    again = Calibrator.from_json(json.loads(json.dumps(calibrator.to_json())))
    np.testing.assert_array_equal(again.probability(ordered), p)


@given(calibrators, st.lists(st.floats(-3, 3), min_size=4, max_size=30), st.data())
def test_levelled_keeps_the_shape_and_meets_the_rate(c: Calibrator, margin: list[float], data: st.DataObject) -> None:
    x = np.array(margin)
    y = np.arange(len(x)) < data.draw(st.integers(1, len(x) - 1))
    moved = c.levelled(x, y.astype(float))
    reach = (c.probability(np.array([-60.0]))[0], c.probability(np.array([60.0]))[0])
    if c.slope > 0.2 and reach[0] < y.mean() < reach[1]:
        assert moved.probability(x).mean() == pytest.approx(y.mean(), abs=1e-6)
    if c.kind == "isotonic":
        assert [p for _, p in moved.knots] == [p for _, p in c.knots]
        np.testing.assert_allclose(np.diff([x for x, _ in moved.knots]), np.diff([x for x, _ in c.knots]), atol=1e-9)
    else:
        assert (moved.slope, moved.bend, moved.width) == (c.slope, c.bend, c.width)
        # The same map, all of it moved by one step along the margin: by its line and by its knee.
        if c.slope > 0.2 and moved is not c:
            step = (moved.intercept - c.intercept) / c.slope
            np.testing.assert_allclose(moved.probability(x - step), c.probability(x), atol=1e-9)


def test_the_derivative_is_that_of_the_map() -> None:
    stairs = Calibrator("isotonic", knots=((-1.0, 0.1), (0.0, 0.3), (2.0, 0.4)))
    np.testing.assert_allclose(stairs.derivative(np.array([-2.0, -0.5, 0.0, 1.0, 3.0])), [0, 0.2, 0.125, 0.05, 0])
    smooth = Calibrator("sigmoid", slope=0.7, intercept=float(logit(0.2)))
    step = 1e-6
    slope = (smooth.probability(np.array([0.3 + step])) - smooth.probability(np.array([0.3 - step]))) / (2 * step)
    np.testing.assert_allclose(smooth.derivative(np.array([0.3])), slope, rtol=1e-6)
    bent = Calibrator("bent", slope=0.9, intercept=-1.0, bend=-0.6, knee=-2.0, width=0.7)
    at = np.linspace(-6, 3, 19)
    slopes = (bent.probability(at + step) - bent.probability(at - step)) / (2 * step)
    np.testing.assert_allclose(bent.derivative(at), slopes, rtol=1e-6)


def test_far_from_its_knee_a_bent_one_has_the_slope_of_that_side() -> None:
    bent = Calibrator("bent", slope=0.9, intercept=-1.0, bend=-0.6, knee=-2.0, width=0.2)
    left, right = (np.diff(logit(bent.probability(np.array(ends))))[0] for ends in ([-9.0, -8.0], [4.0, 5.0]))
    assert (left, right) == (pytest.approx(1.5, abs=1e-6), pytest.approx(0.3, abs=1e-6))


def test_noise_that_looks_like_a_signal_is_not_passed_on_as_it_is() -> None:
    """Where chance gives a slope of two standard errors, the plain logistic of a wide margin must not win."""
    taken = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 5)
        margin = rng.normal(size=60)[groups] * 0.3 - 2.0
        y = (rng.random(60) < 0.12)[groups].astype(float)
        choice = calibration.choose(margin, y, groups, prior=0.12, seed=seed)
        taken += choice.calibrator.kind != "sigmoid"
    assert taken <= 1
