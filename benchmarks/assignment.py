"""How long does a large company's week take to assign? 100,000 accounts × 12 offers, within every kind of limit.

    python -m benchmarks.assignment

writes into benchmarks/results/decisions.json, key by key: seconds for the whole week (`assignment_s`: each owner's
contacts, a company's e-mails, a budget, and at most 30 % of each owner's list changing), for owners' contacts alone
(`assignment_owners_s`), for hours instead of contacts (`assignment_hours_s`), the gap that was left (0: proven the
best), and the largest difference between our value and plain HiGHS on companies small enough for it. Accounts,
offers and money are drawn at random; nothing is learnt or tuned on them.
"""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import optimize, sparse

from decisions.assignment import Assigned, assign
from decisions.limits import limits_of
from decisions.week_settings import Limit, Week
from decisions.worth import worths
from pipelines import written

ACCOUNTS, OFFERS, OWNERS, SEED = 100_000, 12, 250, 11
CAPACITY = 40  # an owner's contacts in a week: one account in ten
RESULTS = Path("benchmarks/results/decisions.json")


def company(accounts: int, owners: int, seed: int) -> pd.DataFrame:
    """Ways to contact each account: about seven in ten of its offers are allowed, each by one channel."""
    rng = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), OFFERS)
    offer = np.tile(np.arange(OFFERS), accounts)
    allowed = rng.random(len(account)) < 0.7
    account, offer = account[allowed], offer[allowed]
    n = len(account)
    size = rng.lognormal(5, 1, accounts)
    channel = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    cost = np.array([60.0, 5.0, 1.0])[channel]
    discount = np.where(rng.random(n) < 0.3, np.round(rng.random(n) * 100, 2), 0.0)
    return pd.DataFrame(
        {
            "account_id": np.char.add("A-", np.char.zfill(account.astype(str), 6)),
            "offer_id": np.char.add("offer_", np.char.zfill(offer.astype(str), 2)),
            "channel": np.array(["csm", "email", "in_app"])[channel],
            "discount_pct": np.where(discount > 0, 5.0, 0.0),
            "priority": np.round(size[account] * rng.lognormal(0, 0.5, n) - cost, 2),
            "owner_id": np.char.add("CSM-", np.char.zfill(rng.integers(0, owners, accounts).astype(str), 3))[account],
            "contact_cost": cost,
            "discount_cost": discount,
            "hours": np.where(channel == 0, np.array([0.5, 1.0, 1.5, 2.0])[offer % 4], 0.25),
        }
    )


def last_week(ways: pd.DataFrame, seed: int) -> list[str]:
    """Accounts that were contacted the week before: some of the better ones."""
    rng = np.random.default_rng(seed)
    best = ways.groupby("account_id")["priority"].max()
    noisy = np.log(best.clip(lower=1)) + rng.normal(0, 0.7, len(best))
    return list(best.index[np.argsort(-noisy.to_numpy())[: len(best) // 10]])


def by_highs(ways: pd.DataFrame, limits: list[Limit]) -> float:
    """The value of the best week by HiGHS alone, all ways in one program."""
    found = assign(ways, limits)  # only for its rows: the matrix is the same
    problem = found.problem
    n = len(problem.gain)
    one_each = sparse.csc_array((np.ones(n), (problem.account, np.arange(n))))
    answer = optimize.milp(
        -problem.gain,
        integrality=np.ones(n),
        bounds=optimize.Bounds(0, 1),
        constraints=[
            optimize.LinearConstraint(sparse.csc_array(problem.uses), -np.inf, problem.room),
            optimize.LinearConstraint(one_each, -np.inf, 1.0),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return -float(answer.fun)


def timed(
    ways: pd.DataFrame, limits: list[Limit], week: Week, previous: list[str] | None = None
) -> tuple[Assigned, float]:
    """The week, and the seconds it took."""
    start = time.perf_counter()
    found = assign(ways, limits, week, previous=previous or ())
    return found, time.perf_counter() - start


def main() -> None:
    """Draw, assign, measure, write."""
    ways = company(ACCOUNTS, OWNERS, SEED)
    previous = last_week(ways, SEED)
    whole = Week(
        budget=300_000, owner_channels=["csm"], max_turnover=0.3,
        limits=[Limit(id="e-mails", channels=["email"], max=3_000), Limit(id="in-app", channels=["in_app"], max=5_000)],
    )  # fmt: skip
    limits = limits_of(whole, per_owner=CAPACITY, without_owner=5)
    found: dict[str, float] = {}
    alone, found["assignment_owners_s"] = timed(ways, limits[:1], Week())
    print(f"owners alone: {found['assignment_owners_s']:.1f} s, exact: {alone.is_exact}", flush=True)
    week, found["assignment_s"] = timed(ways, limits, whole, previous)
    found["assignment_gap"] = 1 - week.value / week.bound
    print(f"the whole week: {found['assignment_s']:.1f} s, gap {found['assignment_gap']:.1e}", flush=True)
    start = time.perf_counter()
    worth = worths(week, n_checked=3)
    found["assignment_worth_s"] = (time.perf_counter() - start) / 3
    print(worth.head(3).to_string(), flush=True)
    by_hours = Week(owner_counts="hours", owner_channels=["csm", "email"])
    hours, found["assignment_hours_s"] = timed(ways, limits_of(by_hours, per_owner=CAPACITY, without_owner=5), by_hours)
    found["assignment_hours_gap"] = 1 - hours.value / hours.bound
    apart = []
    for seed in range(20):
        few = company(60, 4, seed)
        some = [Limit(id="owner", max=3, per="owner_id", channels=["csm"]), Limit(id="budget", uses="money", max=700.0)]
        apart.append(abs(assign(few, some).value - by_highs(few, some)))
    found["assignment_max_diff"] = max(apart)
    found |= {"assignment_ways": len(ways), "assignment_contacts": len(week.chosen)}
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    found = {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in found.items()}
    written.as_json(RESULTS, known | found)
    for name, value in found.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
