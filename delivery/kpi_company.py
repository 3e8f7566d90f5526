"""The company between two days: what its customers of the first day pay on the second."""

from typing import Any

import pandas as pd


def retention(before: pd.DataFrame, after: pd.DataFrame, *, min_growth: float) -> dict[str, Any]:
    """Expansion, contraction and churned MRR (money a month), NRR, GRR, upsell conversion and the average upgrade.

    before, after: one row per active account: account_id, mrr, plan_tier. Customers are those that pay on the first
    day; who came later counts nowhere. Upgraded: a higher tier, or MRR higher by at least `min_growth`.
    NRR = (start + expansion − contraction − churn) ÷ start; GRR the same without expansion.

    >>> one = pd.DataFrame({"account_id": ["a", "b", "c", "d"], "mrr": [100.0, 100.0, 100.0, 100.0], "plan_tier": 1})
    >>> two = pd.DataFrame({"account_id": ["a", "b", "c", "e"], "mrr": [150.0, 90.0, 100.0, 70.0], "plan_tier": 1})
    >>> found = retention(one, two, min_growth=0.1)
    >>> found["expansion_mrr"], found["contraction_mrr"], found["churned_mrr"], found["nrr"], found["grr"]
    (50.0, 10.0, 100.0, 0.85, 0.725)
    >>> found["upsell_conversion"], found["average_upgrade"]
    (0.25, 50.0)
    """
    paying = before[before["mrr"] > 0]
    both = paying.merge(after, on="account_id", how="left", suffixes=("", "_after"))
    start, stayed = float(both["mrr"].sum()), both["mrr_after"].notna()
    more = (both["mrr_after"] - both["mrr"]).where(stayed, 0.0)
    expansion, contraction = float(more.clip(lower=0).sum()), float((-more).clip(lower=0).sum())
    churned = float(both.loc[~stayed, "mrr"].sum())
    has_grown = both["mrr_after"] >= both["mrr"] * (1 + min_growth) - 1e-9
    upgraded = stayed & (has_grown | (both["plan_tier_after"] > both["plan_tier"]))
    n = int(upgraded.sum())
    return {
        "n_customers": len(both),
        "start_mrr": round(start, 2),
        "expansion_mrr": round(expansion, 2),
        "contraction_mrr": round(contraction, 2),
        "churned_mrr": round(churned, 2),
        "nrr": round((start + expansion - contraction - churned) / start, 6) if start else None,
        "grr": round((start - contraction - churned) / start, 6) if start else None,
        "n_upgraded": n,
        "upsell_conversion": round(n / len(both), 6) if len(both) else None,
        "average_upgrade": round(float(more[upgraded].clip(lower=0).sum()) / n, 2) if n else None,
    }
