"""What each factor of the priority does to the list: drop it, choose again within the same capacity, and see who wins.

The identity: priority = uplift × context × value × lever − contact cost − harm. A factor is dropped by giving all
candidates the same: uplift, context and value their mean over what is allowed (so that the rest keeps its unit), the
lever 1, the costs 0. Gates, conditions and the holdout stay as they are.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from data.catalog import Catalog

FACTORS = ("uplift", "context", "value", "levers", "harm", "contact_cost")
MULTIPLIED = ("uplift", "context", "value", "levers")
Choose = Callable[[pd.DataFrame], pd.DataFrame]  # candidates with `priority` -> those of them that the week holds


def factors(candidates: pd.DataFrame, accounts: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """FACTORS of each candidate, in the order of `candidates`.

    Where the response to offers is not learnt, the chance is the propensity of `accounts` and the value is net of the
    discount. Contact cost and harm are columns of the candidates where these have them; else the catalogue's, and none.
    """
    chance, value = candidates["uplift"].astype("float64"), candidates["value"].astype("float64")
    if chance.isna().all():
        chance = candidates["account_id"].map(accounts.set_index("account_id")["propensity"]).astype("float64")
        value = value * (1 - candidates["discount_pct"].astype("float64") / 100)
    cost = candidates["offer_id"].map({offer.id: offer.contact_cost for offer in catalog.offers})
    return pd.DataFrame(
        {
            "uplift": chance,
            "context": candidates["context"].astype("float64"),
            "value": value,
            "levers": candidates["lever"].astype("float64"),
            "harm": candidates["harm"].astype("float64") if "harm" in candidates else 0.0,
            "contact_cost": candidates["contact_cost"] if "contact_cost" in candidates else cost.astype("float64"),
        }
    )


def priority(parts: pd.DataFrame, *, without: str | None = None, among: pd.Series | None = None) -> pd.Series:
    """The priority of FACTORS; `without` one of them, whose mean is taken `among` these rows (all by default).

    >>> parts = pd.DataFrame({"uplift": [0.1, 0.3], "context": 1.0, "value": [1000.0, 100.0], "levers": 1.0})
    >>> parts = parts.assign(harm=2.0, contact_cost=8.0)
    >>> priority(parts).tolist(), priority(parts, without="uplift").tolist(), priority(parts, without="harm").tolist()
    ([90.0, 20.0], [190.0, 10.0], [92.0, 22.0])
    """
    if without is not None:
        rows = parts if among is None else parts[among]
        same = {"levers": 1.0, "harm": 0.0, "contact_cost": 0.0}.get(without, float(rows[without].mean()))
        parts = parts.assign(**{without: same})
    product = parts["uplift"] * parts["context"] * parts["value"] * parts["levers"]
    return product - parts["contact_cost"] - parts["harm"]


def within_capacity(accounts: pd.DataFrame, *, per_owner: int, without_owner: int) -> Choose:
    """The best allowed offer of each account that pays, and of those each owner's best, as many as a week holds.

    accounts: account_id, owner_id, assignment; those held out are never chosen.
    """
    owner = accounts.set_index("account_id")["owner_id"].fillna("")
    out = set(accounts.loc[accounts["assignment"] == "holdout", "account_id"])

    def choose(candidates: pd.DataFrame) -> pd.DataFrame:
        rows = candidates[candidates["is_allowed"] & (candidates["priority"] > 0)]
        rows = rows[~rows["account_id"].isin(out)]
        rows = rows.sort_values(["priority", "account_id", "offer_id"], ascending=[False, True, True], kind="stable")
        rows = rows.drop_duplicates("account_id")
        whose = rows["account_id"].map(owner)
        room = np.where(whose == "", without_owner, per_owner)
        return rows[whose.groupby(whose).cumcount() < room]

    return choose


def sensitivity(
    candidates: pd.DataFrame, accounts: pd.DataFrame, catalog: Catalog, choose: Choose
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What becomes of the list without each factor.

    Returns two tables. One row per factor: `n_contact`, `n_same` (account and offer), `n_entering`, `n_leaving`
    (accounts), `n_changing` (offer), `expected` (what the list is worth by all factors) and `lost` against the list by
    all of them. One row per (factor, offer_id): how often it is chosen `with_all` and `without` that factor.

    Help earns no rank by money and is left aside. The levers count in `expected` as they do in the priority.
    """
    sells = {offer.id for offer in catalog.offers if not offer.is_help}
    rows = candidates[candidates["offer_id"].isin(sells)].reset_index(drop=True)
    parts, allowed = factors(rows, accounts, catalog), rows["is_allowed"].astype(bool)
    full = rows.assign(priority=priority(parts), is_allowed=allowed)
    base = choose(full)
    worth = full.set_index(["account_id", "offer_id"])["priority"]
    offer_of = base.set_index("account_id")["offer_id"]
    found, moves = [], []
    for factor in FACTORS:
        other = choose(full.assign(priority=priority(parts, without=factor, among=allowed)))
        now = other.set_index("account_id")["offer_id"]
        stay = now.index.intersection(offer_of.index)
        n_same = int((now[stay] == offer_of[stay]).sum())
        expected = float(worth.reindex(pd.MultiIndex.from_frame(other[["account_id", "offer_id"]])).sum())
        found.append(
            {
                "factor": factor,
                "n_contact": len(now),
                "n_same": n_same,
                "n_entering": len(now) - len(stay),
                "n_leaving": len(offer_of) - len(stay),
                "n_changing": len(stay) - n_same,
                "expected": expected,
                "lost": round(float(base["priority"].sum()) - expected, 6) + 0.0,  # no -0.0 from adding up
            }
        )
        counts = pd.DataFrame({"with_all": offer_of.value_counts(), "without": now.value_counts()}).fillna(0)
        counts = counts.astype("int64").rename_axis("offer_id").reset_index()
        moves.append(counts.assign(factor=factor).sort_values("offer_id"))
    columns = ["factor", "offer_id", "with_all", "without"]
    return pd.DataFrame(found), pd.concat(moves, ignore_index=True)[columns]


def wins(candidates: pd.DataFrame) -> pd.DataFrame:
    """One row per pair of offers that some account may have both of: `winner`, `loser`, the `n` accounts of `n_both` in
    which the one ranks above the other, and the median `margin` of priority where it does.

    >>> rows = pd.DataFrame({"account_id": ["a", "a", "b", "b"], "offer_id": ["x", "y"] * 2, "is_allowed": True,
    ...                      "rank": [1, 2, 2, 1], "priority": [9.0, 4.0, 3.0, 5.0]})
    >>> wins(rows).values.tolist()
    [['x', 'y', 1, 2, 5.0], ['y', 'x', 1, 2, 2.0]]
    """
    rows = candidates[candidates["is_allowed"].astype(bool)][["account_id", "offer_id", "rank", "priority"]]
    pairs = rows.merge(rows, on="account_id", suffixes=("", "_other"))
    pairs = pairs[pairs["offer_id"] != pairs["offer_id_other"]]
    n_both = pairs.groupby(["offer_id", "offer_id_other"]).size()
    above = pairs[pairs["rank"] < pairs["rank_other"]]
    by_pair = above.assign(margin=above["priority"] - above["priority_other"]).groupby(["offer_id", "offer_id_other"])
    found = pd.DataFrame({"n": by_pair.size(), "n_both": n_both, "margin": by_pair["margin"].median()})
    found = found.assign(n=found["n"].fillna(0).astype("int64")).rename_axis(["winner", "loser"]).reset_index()
    return found.sort_values(["winner", "loser"], ignore_index=True)


def by_gate(candidates: pd.DataFrame, decisions: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
    """One row per gate: the share of accounts that it keeps from everything that sells (`accounts`), and of candidates
    that sell the share which it is the first to block (`candidates`); the most accounts first.

    >>> decisions = pd.DataFrame({"account_id": ["a", "b"], "blocked_by": ["onboarding", None]})
    >>> rows = pd.DataFrame({"offer_id": ["seats_20"] * 2, "blocked_by": ["onboarding", None]})
    >>> from data.catalog import Offer
    >>> offer = Offer(id="seats_20", kind="seats", name={"en": "More", "ja": "More"}, channels=["csm"])
    >>> by_gate(rows, decisions, Catalog.model_construct(offers=[offer])).values.tolist()
    [['onboarding', 0.5, 0.5]]
    """
    sells = {offer.id for offer in catalog.offers if not offer.is_help}
    rows = candidates[candidates["offer_id"].isin(sells)]
    found = pd.DataFrame(
        {
            "accounts": decisions["blocked_by"].value_counts() / max(len(decisions), 1),
            "candidates": rows["blocked_by"].value_counts() / max(len(rows), 1),
        }
    ).fillna(0.0)
    found = found.rename_axis("gate").reset_index()
    return found.sort_values(["accounts", "candidates", "gate"], ascending=[False, False, True], ignore_index=True)


def wasted_discount(chosen: pd.DataFrame) -> dict[str, float | int | None]:
    """How much discount is expected to go to accounts that would have bought anyway.

    chosen: the candidates that are put to accounts. An offer whose value is v after a discount of d per cent gives away
    v × d / (100 − d) if it is accepted; and did so for nothing where the account would have bought without being asked.
    Null where the response to offers is not learnt.

    >>> rows = pd.DataFrame({"discount_pct": [10.0, 0.0], "value": [900.0, 500.0], "p_accept": [0.5, 0.9],
    ...                      "p_organic": [0.2, 0.8]})
    >>> wasted_discount(rows)
    {'n_discounted': 1, 'expected': 50.0, 'to_sure_things': 20.0, 'share': 0.4}
    """
    rows = chosen[chosen["discount_pct"].fillna(0) > 0]
    n = len(rows)
    if n and rows[["p_accept", "p_organic"]].isna().any(axis=None):
        return {"n_discounted": n, "expected": None, "to_sure_things": None, "share": None}
    pct = rows["discount_pct"].clip(upper=99.0)
    given = rows["value"].clip(lower=0) * pct / (100 - pct)
    expected = float((given * rows["p_accept"]).sum())
    sure = float((given * rows[["p_accept", "p_organic"]].min(axis=1)).sum())
    return {
        "n_discounted": n,
        "expected": round(expected, 2),
        "to_sure_things": round(sure, 2),
        "share": round(sure / expected, 6) if expected else None,
    }
