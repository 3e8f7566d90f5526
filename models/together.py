"""What goes together: after which product another is added, how much more often than by peers, and in what order.

Estimand of a pair (taken, then): among accounts that start to run `taken` after their first day, do not yet run `then`
and could still add it, the share that adds `then` within `within_days`; and, as `lift`, how many times as many these
are as would be if each added it as readily as its peers do: accounts on the same plan in the same months that have not
taken `taken` lately, as long as they have not. The lift is observed ÷ expected, as a standardised incidence ratio; its
interval is exact for the observed number (Poisson, hence rather too wide than too narrow where many add), and widened
by what is not known of the expected one.

It is a likeness of times and accounts and no effect: what makes an account take both may be something third.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import gamma, norm

from data.catalog import Catalog, Plan
from models.product_grid import Grid, has_on, plan_on, starts_within
from models.product_runs import added_by, runs
from models.together_settings import Combine

POOLED = 100.0  # accounts' worth of a plan's rate over all months that a month's own rate is drawn towards
ALMOST_ALL = 0.999  # of them in a month: the rate of all is without bound
PAIR = ("taken", "then")
COLUMNS = (
    *PAIR, "n_at_risk", "n_added", "share", "share_low", "share_high", "peers_share", "lift", "low", "high",
    "low_of_all", "shrunk_lift", "n_both", "first_share", "n_same_day", "median_days",
)  # fmt: skip


def wilson(k: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share k ÷ n.

    >>> [round(float(bound[0]), 3) for bound in wilson(np.array([14]), np.array([20]), 0.95)]
    [0.481, 0.855]
    """
    z = norm.ppf(0.5 + level / 2)
    n = np.maximum(n, 1e-9)
    p, middle = k / n, (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(n * p * (1 - p) + z * z / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def pairs(
    subscriptions: pd.DataFrame, catalog: Catalog, *, until: pd.Timestamp, settings: Combine | None = None
) -> pd.DataFrame:
    """One row per (taken, then) with at least `min_at_risk` accounts: COLUMNS.

    subscriptions: as staged, with `known_on`. until: nothing that was known or happened from this day on is looked at:
    give the end of what may be learnt from. first_share: of the accounts that ran both and began on different days,
    those that began with `taken`; median_days: between the two, where it came first. low_of_all: the lower bound that
    holds for all pairs of the table together (Bonferroni): among many pairs, some look like much by chance.
    """
    settings = settings or Combine()
    known = runs(subscriptions, until=until)
    grid = Grid(known, catalog, until, settings.within_days)
    tried = [(taken, then) for taken in catalog.products for then in catalog.products if taken != then]
    found = [row for taken, then in tried if (row := _pair(taken, then, known, grid, settings))]
    rows = pd.DataFrame(found, columns=[*COLUMNS, "expected", "error"])
    strict = 1 - (1 - settings.interval) / max(len(rows), 1)
    rows["low_of_all"] = [
        _lift_interval(int(k), float(expected), float(error), strict)[0]
        for k, expected, error in zip(rows["n_added"], rows["expected"], rows["error"], strict=True)
    ]
    return rows[list(COLUMNS)]


def _pair(taken: str, then: str, known: pd.DataFrame, grid: Grid, settings: Combine) -> dict[str, object] | None:
    """The row of one pair; None where too few accounts could have added the second."""
    mine = known[(known["product_id"] == taken) & ~known["is_first"]]
    mine = mine[mine["started_on"] + grid.window <= grid.until].drop_duplicates("account_id")
    if len(mine) < settings.min_at_risk or not len(grid.months):
        return None
    at = grid.accounts.get_indexer(mine["account_id"])
    days = mine["started_on"].to_numpy().astype("datetime64[us]")
    plan = plan_on(grid, at, days)
    owns = has_on(grid, then, at, days)
    could = (plan >= 0) & ~owns
    added = starts_within(grid, then, at, days, days + grid.window) & could

    is_peer = grid.free(then) & ~grid.lately(taken)
    if taken not in grid.tiers:
        is_peer &= ~grid.has(taken)
    expected, error = _expected(grid, is_peer, grid.added(then), plan[could], days[could])
    n, k = int(could.sum()), int(added.sum())
    if n < settings.min_at_risk:
        return None
    low, high = _lift_interval(k, expected, error, settings.interval)
    share_low, share_high = wilson(np.array([k]), np.array([n]), settings.interval)
    return {
        "taken": taken, "then": then, "n_at_risk": n, "n_added": k, "share": k / n,
        "share_low": float(share_low[0]), "share_high": float(share_high[0]), "peers_share": expected / n,
        "lift": k / expected if expected else float("nan"), "low": low, "high": high,
        "shrunk_lift": _shrunk(k, expected, settings.prior_events),
        "expected": expected, "error": error, **_order(known, taken, then),
    }  # fmt: skip


def _shrunk(k: int, expected: float, prior: float) -> float:
    return (k + prior) / (expected + prior) if expected + prior else 1.0


def _expected(
    grid: Grid, is_peer: np.ndarray, added: np.ndarray, plan: np.ndarray, days: np.ndarray
) -> tuple[float, float]:
    """How many of these accounts would add it as their peers do, and the standard error of that.

    Month by month, so that a peer which takes the first product on the way counts as one no longer: of the peers of a
    plan at a month's begin, the share that adds the second in it, as a rate; an account's chance is what these rates
    come to over the days of its window.
    """
    expected, variance = 0.0, 0.0
    length = (grid.ends - grid.months).astype("float64")
    for number in np.unique(plan):
        mine = is_peer & (grid.plan == number)
        n, k = mine.sum(axis=0), (added & mine).sum(axis=0)
        pooled = float(k.sum() / max(n.sum(), 1))
        share = (k + POOLED * pooled) / (n + POOLED)
        rate = -np.log1p(-np.minimum(share, ALMOST_ALL))
        since = days[plan == number][:, None]
        last = since + grid.window
        within = (np.minimum(last, grid.ends) - np.maximum(since, grid.months)).astype("float64")
        months = np.clip(within, 0, None) / length
        # days past the last whole month go by the plan's rate over all of them
        beyond = (last - np.maximum(since, grid.ends[-1])).astype("float64")[:, 0]
        rest = -np.log1p(-min(pooled, ALMOST_ALL)) * np.clip(beyond, 0, None) / length.mean()
        missed = np.exp(-(months @ rate + rest))
        expected += float((1 - missed).sum())
        variance += float(((months.T @ missed) ** 2 * share * (1 - share) / (n + POOLED)).sum())
    return expected, float(np.sqrt(variance))


def _lift_interval(k: int, expected: float, error: float, level: float) -> tuple[float, float]:
    """Exact for the number that was observed; widened, on the scale of logarithms, by the error of the expected one."""
    if not expected:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low = gamma.ppf(tail, k) / expected if k else 0.0
    high = gamma.ppf(1 - tail, k + 1) / expected
    lift, wide = k / expected, norm.ppf(1 - tail) * error / expected
    if k:
        low = lift * np.exp(-np.hypot(np.log(lift / low), wide))
        high = lift * np.exp(np.hypot(np.log(high / lift), wide))
    else:
        high = high * np.exp(wide)
    return float(low), float(high)


def _order(known: pd.DataFrame, taken: str, then: str) -> dict[str, object]:
    first = known.drop_duplicates(["account_id", "product_id"])  # runs are in order of time
    one, other = (first[first["product_id"] == p].set_index("account_id")["started_on"] for p in (taken, then))
    both = one.index.intersection(other.index)
    days = (other[both] - one[both]).dt.days
    apart = days[days != 0]
    return {
        "n_both": len(both),
        "first_share": float((apart > 0).mean()) if len(apart) else float("nan"),
        "n_same_day": int((days == 0).sum()),
        "median_days": float(days[days > 0].median()) if (days > 0).any() else float("nan"),
    }


def bundles(pairs: pd.DataFrame, catalog: Catalog, settings: Combine | None = None) -> pd.DataFrame:
    """Bundles that no offer of the catalogue holds yet: pairs that follow one another more often than chance explains,
    however many pairs were looked at.

    One row per set of two products (of a plan: the step up to it), by the direction whose lift's lower bound is higher.
    """
    settings = settings or Combine()
    plans = {plan.id: plan for plan in catalog.plans}
    rows = pairs[(pairs["low_of_all"] > 1) & (pairs["n_added"] >= settings.min_added)]
    rows = rows[~(rows["taken"].isin(plans) & rows["then"].isin(plans))]  # one tier at a time is no bundle
    held = _held_together(catalog)
    is_new = [frozenset((a, b)) not in held for a, b in zip(rows["taken"], rows["then"], strict=True)]
    rows = rows[np.array(is_new, dtype=bool)].sort_values(["low", *PAIR], ascending=[False, True, True], kind="stable")
    key = [tuple(sorted(pair)) for pair in zip(rows["taken"], rows["then"], strict=True)]
    return rows[~pd.Series(key, index=rows.index, dtype=object).duplicated()].reset_index(drop=True)


def _held_together(catalog: Catalog) -> set[frozenset[str]]:
    """The pairs of products that some offer adds at once, or that a plan holds anyway."""
    found = set()
    for offer in catalog.offers:
        for plan in catalog.plans:
            products = added_by(offer, plan.id, catalog)
            found |= {frozenset((a, b)) for a in products for b in products if a != b}
    for plan in catalog.plans:
        found |= {frozenset((plan.id, add_on.id)) for add_on in catalog.add_ons if _is_idle(add_on.features, plan)}
    return found


def _is_idle(features: Sequence[str], plan: Plan) -> bool:
    return bool(features) and set(features) <= set(plan.features)
