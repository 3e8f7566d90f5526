"""A planted threshold is found, chance finds none, and intervals cover although an account stands in many rows."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.settings import Finding
from models.thresholds import Found, candidates, find

QUICK = Finding(n_draws=200)
BLOCKS = ("train", "validation", "test")
N_SNAPSHOTS = {"train": 9, "validation": 3, "test": 3}


class World:
    """Accounts over 15 monthly snapshots. Each has a level of its own in the column and in its readiness to expand."""

    def __init__(self, seed: int, n_accounts: int = 500, persistence: float = 0.7) -> None:
        rng = np.random.default_rng(seed)
        n = sum(N_SNAPSHOTS.values())
        self.accounts = np.repeat(np.arange(n_accounts), n)
        self.blocks = np.tile(np.repeat(BLOCKS, list(N_SNAPSHOTS.values())), n_accounts)
        own = np.repeat(rng.standard_normal(n_accounts), n)
        self.x = np.sqrt(persistence) * own + np.sqrt(1 - persistence) * rng.standard_normal(len(own))
        self.readiness = np.repeat(np.exp(0.8 * rng.standard_normal(n_accounts) - 0.32), n)  # mean 1
        self.rng = rng

    def labels(self, rate: np.ndarray | float) -> np.ndarray:
        p: np.ndarray = np.clip(rate * self.readiness, 0, 1)
        return self.rng.random(len(p)) < p


def found_in(world: World, y: np.ndarray, *, at_least: bool = True, is_auto: bool = True) -> Found:
    return find(
        world.x, y, world.accounts, world.blocks, at_least=at_least, given=0.0, is_auto=is_auto, settings=QUICK, seed=0
    )


@pytest.mark.parametrize("at_least", [True, False])
def test_a_planted_threshold_is_found(at_least: bool) -> None:
    planted = 1.0 if at_least else -1.0  # a sixth of the rows lies beyond it
    near = []
    for seed in range(12):
        world = World(seed, n_accounts=1000)
        beyond = world.x >= planted if at_least else world.x <= planted
        found = found_in(world, world.labels(np.where(beyond, 0.3, 0.1)), at_least=at_least)
        assert (found.source, found.verdict) == ("auto", "holds")
        assert found.number == found.best["test"].threshold
        near.append(abs(found.number - planted) <= 0.25)  # two cuts of the grid there
    assert np.mean(near) >= 0.8


def test_chance_finds_nothing_more_often_than_it_says() -> None:
    claims, in_force, n = 0, 0, 150
    for seed in range(n):
        world = World(seed, n_accounts=250)
        found = found_in(world, world.labels(0.1))
        claims += found.verdict != "no lift"
        in_force += found.source == "auto"
        if found.source != "auto":
            assert (found.number, found.source) == (0.0, "default")
    # One end of a 90 % interval that holds all candidates at once: 5 %, give or take three standard errors.
    assert claims / n <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)
    assert in_force / n <= 0.05
    assert claims > 0  # or else nothing could ever be found


def test_intervals_cover_although_accounts_stand_in_many_rows() -> None:
    # Who expands comes from the account for the most part, and so does the column: rows are far from independent.
    only_the_number_given = Finding(min_accounts=10**6)
    share, rate, rate_beyond, n = 0.158655, 0.1, 0.2, 250  # of a normal above 1
    true_lift = rate_beyond / (share * rate_beyond + (1 - share) * rate)
    covers, covers_by_row = 0, 0
    for seed in range(n):
        world = World(seed, n_accounts=400, persistence=0.95)
        beyond = world.x >= 1
        own = np.repeat(world.rng.standard_normal(400), len(beyond) // 400)
        latent = np.sqrt(0.9) * own + np.sqrt(0.1) * world.rng.standard_normal(len(beyond))
        y = latent < np.where(beyond, *(NormalDist().inv_cdf(r) for r in (rate_beyond, rate)))
        effects = [
            find(world.x, y, who, world.blocks, at_least=True, given=1.0, is_auto=False,
                 settings=only_the_number_given, seed=0).given["train"]
            for who in (world.accounts, np.arange(len(y)))
        ]  # fmt: skip
        assert effects[0].lift == effects[1].lift
        covers += effects[0].low <= true_lift <= effects[0].high
        covers_by_row += effects[1].low <= true_lift <= effects[1].high
    assert abs(covers / n - 0.9) <= 3 * np.sqrt(0.9 * 0.1 / n)
    assert covers_by_row / n < 0.7  # had each row been an account of its own


def test_what_holds_in_training_only_is_not_believed() -> None:
    world = World(3, n_accounts=1000)
    is_train = world.blocks == "train"
    y = world.labels(np.where(is_train & (world.x >= 1), 0.3, 0.1))
    found = found_in(world, y)
    assert (found.number, found.source, found.verdict) == (0.0, "default", "does not hold later")
    assert found.best["train"].low > 1 > found.best["validation"].low


def test_the_test_block_decides_nothing() -> None:
    world = World(4, n_accounts=1000)
    y = world.labels(np.where(world.x >= 1, 0.3, 0.1))
    turned = np.where(world.blocks == "test", ~y, y)
    one, other = found_in(world, y), found_in(world, turned)
    assert one.source == other.source == "auto"
    assert one.curve == other.curve
    assert one.number == other.number
    assert one.best["validation"] == other.best["validation"]
    assert one.best["test"] != other.best["test"]


def test_a_number_that_a_person_gave_stands_and_is_measured() -> None:
    world = World(5, n_accounts=1000)
    found = found_in(world, world.labels(np.where(world.x >= 1, 0.3, 0.1)), is_auto=False)
    assert (found.number, found.source, found.verdict) == (0.0, "params", "holds")
    assert found.best["train"].threshold > 0.5
    assert found.given["train"].share == pytest.approx(0.5, abs=0.05)


def test_rows_for_which_it_cannot_fire_are_part_of_the_base_rate() -> None:
    world = World(6)
    y = world.labels(np.where(world.x >= 1, 0.3, 0.1))
    far_below = found_in(world, y)
    unknown = World(6)
    unknown.x = np.where(world.x < -0.5, np.nan, world.x)
    found = found_in(unknown, y)
    assert found.given == far_below.given
    assert found.number == pytest.approx(1.0, abs=0.25)
    assert found.best["test"].base_rate == y[world.blocks == "test"].mean()


def test_that_something_happened_at_all_can_be_what_tells() -> None:
    world = World(10, n_accounts=1000)
    happened = world.rng.random(len(world.x)) < 0.05
    world.x = np.where(happened, world.rng.integers(0, 365, len(happened)), np.nan)  # days since
    found = found_in(world, world.labels(np.where(happened, 0.3, 0.1)), at_least=False)
    assert (found.source, found.verdict) == ("auto", "holds")
    assert found.number >= 300  # however long ago


def test_a_lift_that_is_certain_but_small_is_not_worth_an_alert() -> None:
    world = World(12, n_accounts=3000)
    y = world.labels(np.where(world.x >= 0, 0.22, 0.18))
    found = found_in(world, y)
    assert (found.source, found.verdict) == ("default", "no lift")
    assert found.best["train"].low > 1
    asked = QUICK.model_copy(update={"min_lift": 1.0})
    rows = (world.x, y, world.accounts, world.blocks)
    assert find(*rows, at_least=True, given=0.0, is_auto=True, settings=asked, seed=0).source == "auto"


def test_a_number_that_it_may_not_be_is_not_found() -> None:
    world = World(11, n_accounts=1000)
    y = world.labels(np.where(world.x >= 0.5, 0.3, 0.1))
    given = {"at_least": True, "given": 0.0, "is_auto": True, "settings": QUICK, "seed": 0}
    rows = (world.x, y, world.accounts, world.blocks)
    assert find(*rows, **given).number == pytest.approx(0.5, abs=0.2)
    assert find(*rows, **given, may_be=lambda number: number >= 1.5).number >= 1.5


@pytest.mark.parametrize("n", [0, 40])
def test_too_little_data_says_so(n: int) -> None:
    world = World(7, n_accounts=n)
    found = found_in(world, world.labels(0.01))
    assert (found.number, found.source, found.verdict, found.best) == (0.0, "default", "too little data", {})


@pytest.mark.parametrize("expands", [True, False])
def test_where_all_or_none_expand_there_is_nothing_to_find(expands: bool) -> None:
    world = World(8)
    found = found_in(world, np.full(len(world.x), expands))
    assert found.source == "default"
    assert found.verdict in ("no lift", "too little data")


def test_figures_are_those_of_a_slow_count() -> None:
    world = World(9, n_accounts=100)
    y = world.labels(np.where(world.x >= 1, 0.4, 0.2))
    effect = found_in(world, y).given["validation"]
    rows = [(a, x, e) for a, x, e, b in zip(world.accounts, world.x, y, world.blocks, strict=True) if b == "validation"]
    fires = [(a, e) for a, x, e in rows if x >= 0]
    assert effect.n_rows == len(fires)
    assert effect.n_accounts == len({a for a, _ in fires})
    assert effect.n_positives == sum(e for _, e in fires)
    assert effect.lift == pytest.approx(sum(e for _, e in fires) / len(fires) / (sum(e for *_, e in rows) / len(rows)))
    # the interval, by drawing whole accounts
    rng = np.random.default_rng(0)
    added = {a: [0, 0, 0, 0] for a in range(100)}
    for a, x, e in rows:
        added[a] = [n + m for n, m in zip(added[a], (e, 1, e and x >= 0, x >= 0), strict=True)]
    sums = np.array(list(added.values()), dtype=float)
    drawn = np.array([sums[rng.integers(0, 100, 100)].sum(axis=0) for _ in range(4000)])
    lifts = (drawn[:, 2] / drawn[:, 3]) / (drawn[:, 0] / drawn[:, 1])
    low, high = np.quantile(lifts, [0.05, 0.95])
    assert effect.low == pytest.approx(low, rel=0.04)
    assert effect.high == pytest.approx(high, rel=0.04)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=200),
    st.booleans(),
    st.floats(0.1, 0.9),
)
def test_candidates_fire_for_some_and_never_for_too_many(given: list[float], at_least: bool, share: float) -> None:
    values = np.array(given)
    cuts = candidates(values, at_least=at_least, settings=Finding(max_share=share))
    fires = values >= cuts[:, None] if at_least else values <= cuts[:, None]
    assert (np.diff(cuts) > 0).all()
    assert (fires.mean(axis=1) <= share).all()
