"""What the lists add: the expansion MRR of accounts that could be contacted, less that of accounts held out at random.

Intent to treat. Every account to which something might have been sold is counted once, from the first list that might
have had it: the draw of the holdout had left it in or out, whatever its rank, and whether or not anybody called. To
compare those who were called with the holdout would credit the list with having picked the best; so what contact adds
is the difference over all, divided by the share that was contacted (the holdout was not: Bloom, 1984).

Outcome: `added_mrr` within the horizon of that first list, money a month (data/labels.py: expansions only).
"""

from collections.abc import Collection
from typing import Any

import pandas as pd
from scipy import stats

from decisions.experiments import difference
from decisions.power import Design, smallest_effect, weeks_until

SELLABLE = ("contact", "beyond_capacity", "holdout")
MONEY = 2


def lift(
    rows: pd.DataFrame, *, horizon_days: int, level: float, min_accounts: int, talked: Collection[str]
) -> dict[str, Any]:
    """Counts, means, difference with interval, and a `verdict` that says whether anything can be told yet.

    rows: see delivery/kpis.py. The interval is Student's with as many degrees of freedom as the smaller side has.
    """
    could = rows[rows["assignment"].isin(SELLABLE)].sort_values(["account_id", "as_of"])
    first = could.drop_duplicates("account_id")
    ripe = first[first["added_mrr"].notna()]
    held, listed = ripe[ripe["is_held_out"]], ripe[~ripe["is_held_out"]]
    found: dict[str, Any] = {"n_list": len(listed), "n_held_out": len(held)}
    if min(len(held), len(listed)) < min_accounts:
        return found | _nothing(
            f"Nothing can be told yet: {len(listed)} accounts of the list and {len(held)} of the holdout have passed "
            f"their {horizon_days} days; {min_accounts} of each are needed."
        )
    both = pd.concat([held, listed])
    money, is_out = both["added_mrr"].astype("float64"), both["is_held_out"].astype(bool)
    told = difference(money, is_out, pd.Series(0, index=both.index))
    half = float(stats.t.ppf(0.5 + level / 2, min(len(held), len(listed)) - 1)) * told["se"]
    low, high = told["effect"] - half, told["effect"] + half
    reached = _contacted(could, listed, horizon_days, talked)
    each = {"difference": told["effect"] / reached, "low": low / reached, "high": high / reached} if reached else None
    hoped = float(could.loc[could["assignment"] == "contact", "expected_arr"].sum()) / 12 / len(first)
    sd = float(money.groupby(is_out).std().mean())
    design = _design(first, len(held) / len(both), sd, could["as_of"].nunique(), horizon_days)
    n_weeks = could["as_of"].nunique()
    visible = smallest_effect(design, n_weeks, level=1 - level) if design else None
    weeks = weeks_until(design, hoped, level=1 - level) if design and hoped > 0 else None
    return found | {
        "mean_list": _money(money[~is_out].mean()),
        "mean_held_out": _money(money[is_out].mean()),
        "difference": _money(told["effect"]),
        "low": _money(low),
        "high": _money(high),
        "share_contacted": round(reached, 6),
        "per_contacted": each and {name: _money(value) for name, value in each.items()},
        "hoped_for": _money(hoped),
        "smallest_visible": visible and _money(visible),
        "weeks_until_visible": weeks,
        "verdict": _verdict(low, high, told["effect"], hoped, weeks),
    }


def _design(first: pd.DataFrame, held: float, sd: float, n_weeks: int, horizon_days: int) -> Design | None:
    """Every account counts once, so that one that comes back adds nothing: a correlation of 1."""
    if sd == 0:
        return None
    return Design(len(first) / n_weeks, len(first), held, sd, correlation=1.0, known_after_days=horizon_days)


def _contacted(could: pd.DataFrame, listed: pd.DataFrame, horizon_days: int, talked: Collection[str]) -> float:
    """The share of the list's accounts that were contacted within the horizon of their first list."""
    begun = listed.set_index("account_id")["as_of"]
    calls = could[could["did"].isin(list(talked)) & could["account_id"].isin(begun.index)]
    since = (calls["as_of"] - calls["account_id"].map(begun)).dt.days
    return calls.loc[since < horizon_days, "account_id"].nunique() / len(listed)


def _verdict(low: float, high: float, effect: float, hoped: float, weeks: int | None) -> str:
    if low > 0:
        return f"The list adds: {low:,.2f} to {high:,.2f} MRR an account, beyond chance."
    if high < 0:
        return f"The list does harm: {-high:,.2f} to {-low:,.2f} MRR an account are lost, beyond chance."
    begun = f"Nothing can be told yet: the difference of {effect:,.2f} MRR an account may be chance."
    if hoped <= 0:
        return begun
    if weeks is None:
        return f"{begun} What the list hopes for ({hoped:,.2f}) would not show with so few accounts in the holdout."
    return f"{begun} What the list hopes for ({hoped:,.2f}) would show after about {weeks} weeks, four times in five."


def _nothing(verdict: str) -> dict[str, Any]:
    names = ("mean_list", "mean_held_out", "difference", "low", "high", "share_contacted", "per_contacted", "hoped_for",
             "smallest_visible", "weeks_until_visible")  # fmt: skip
    return {**dict.fromkeys(names), "verdict": verdict}


def _money(value: float) -> float:
    return round(float(value), MONEY)
