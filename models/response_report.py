"""How far to believe the learnt response: calibration on later proposals, overlap, what each kind adds, discounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog
from models import acceptance, overlap, response_log
from models.aftermath import SELLS
from models.response import Response
from models.response_settings import Respond

N_BINS = 5
N_DRAWS = 400
INTERVAL = 0.95


def report(
    model: Response, log: pd.DataFrame, snapshots: pd.DataFrame, current: pd.DataFrame, catalog: Catalog,
    predictors: Sequence[str], settings: Respond, *, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """A plain object; only a note where nothing was learnt."""
    if not model.is_learnt or model.organic is None:
        return {"is_learnt": False, "note": model.facts.get("note", "")}
    rows = response_log.joined(log, snapshots)
    made = rows[rows["offer_id"] != response_log.NONE].reset_index(drop=True)
    own = model.organic.columns.matrix(snapshots.iloc[made["row"].to_numpy()]).astype("float64")
    pscore = overlap.pscores(made, own, seed=seed)
    menu = model.menu(current, catalog)
    return {
        "is_learnt": True,
        "n_proposals": model.facts["n_proposals"],
        "n_accepted": model.facts["n_accepted"],
        "later": later(log, snapshots, catalog, predictors, settings, seed=seed),
        "overlap": overlap.report(made, own, pscore, floor=settings.overlap_floor, seed=seed),
        "kinds": kinds(menu, made, catalog, seed=seed),
        "discounts": discounts(menu, catalog),
        "after": model.facts["after"],
    }


def later(
    log: pd.DataFrame, snapshots: pd.DataFrame, catalog: Catalog, predictors: Sequence[str], settings: Respond, *,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    """The latest proposals as a model saw them that knew only what was before: predicted against accepted, by fifths.

    Intervals by drawing accounts with replacement.
    """
    rows = log.sort_values(["proposed_at", "proposal_id"], kind="stable")
    cut = pd.to_datetime(rows["proposed_at"]).iloc[int((1 - settings.later_share) * len(rows))].normalize()
    day = pd.to_datetime(rows["proposed_at"])
    before = snapshots[pd.to_datetime(snapshots["as_of"]) < cut].reset_index(drop=True)
    earlier = Response.fit(rows[day < cut], before, catalog, predictors=predictors, settings=settings, seed=seed)
    if not earlier.is_learnt or earlier.acceptance is None:
        return {"note": "there is too little before the latest proposals to judge by them"}
    joined = response_log.joined(rows[day >= cut], snapshots)
    judged = joined[joined["offer_id"] != response_log.NONE].reset_index(drop=True)
    if judged["y"].nunique() < 2:
        return {"note": "the latest proposals all had one answer"}
    table, what = earlier.rows(judged, snapshots, catalog)
    p = acceptance.probability(earlier.acceptance.margin(table, what))
    y, groups = judged["y"].to_numpy(), pd.factorize(judged["account_id"])[0]
    order = np.argsort(p, kind="stable")
    bins = np.empty(len(p), dtype=int)
    bins[order] = np.arange(len(p)) * N_BINS // len(p)
    draws = _draws(groups, seed=seed)
    by_bin = []
    for b in range(N_BINS):
        inside = (bins == b).astype(float)
        by_bin.append({"predicted": float(p[bins == b].mean()), **_mean(y, inside, draws)})
    return {
        "from": str(cut.date()), "n": len(p), "predicted": float(p.mean()), **_mean(y, np.ones(len(p)), draws),
        "log_loss": float(-np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))),
        "log_loss_of_the_rate": float(-np.mean(y * np.log(y.mean()) + (1 - y) * np.log1p(-y.mean()))),
        "by_fifth": by_bin,
    }  # fmt: skip


def kinds(menu: pd.DataFrame, made: pd.DataFrame, catalog: Catalog, *, seed: int) -> dict[str, Any]:
    """By kind of offer, over the accounts to which one is possible: acceptance, and what it adds; beside it, what the
    random proposals of that kind answered, which nobody chose."""
    kind = {offer.id: offer.kind for offer in catalog.offers}
    best = menu.sort_values(["expected", "offer_id", "channel", "discount_pct"], ascending=[False, True, True, True])
    best = best.drop_duplicates(["account_id", "offer_id"])
    random = made[made["pscore"].notna()]
    found: dict[str, Any] = {}
    for name in dict.fromkeys(kind.values()):
        rows = best[best["offer_id"].map(kind) == name]
        drawn = random[random["offer_id"].map(kind) == name]
        found[name] = {
            "n": len(rows),
            "p_accept": _of(rows["p_accept"]), "p_organic": _of(rows["p_organic"]), "uplift": _of(rows["uplift"]),
            "expected": _of(rows["expected"]),
            "n_random": len(drawn),
            "accepted_at_random": _mean(
                drawn["y"].to_numpy(), np.ones(len(drawn)), _draws(pd.factorize(drawn["account_id"])[0], seed=seed)
            ) if len(drawn) else None,
        }  # fmt: skip
    return found


def discounts(menu: pd.DataFrame, catalog: Catalog) -> dict[str, Any]:
    """Of the money that the best step of each account's best offer gives away: how much changes nothing.

    to_takers_anyway: to those who would accept the same offer undiscounted; to_buyers_anyway: to those who would do it
    by themselves within the horizon.
    """
    key = ["account_id", "offer_id", "channel"]
    sells = {offer.id: offer.kind in SELLS for offer in catalog.offers}
    rows = menu[menu["offer_id"].map(sells).astype(bool)]
    least = rows.sort_values("discount_pct").drop_duplicates(key)[[*key, "p_accept"]]
    order = ["expected", "offer_id", "channel", "discount_pct"]
    best = rows.sort_values(order, ascending=[False, True, True, True]).drop_duplicates("account_id")
    best = best[best["discount_pct"] > 0].merge(least, on=key, suffixes=("", "_undiscounted"))
    share = best["discount_pct"] / 100
    given = best["value"] * share / (1 - share)  # of those who accept
    total = float((given * best["p_accept"]).sum())
    if total <= 0:
        return {"given": 0.0, "to_takers_anyway": None, "to_buyers_anyway": None}
    takers = np.minimum(best["p_accept_undiscounted"], best["p_accept"])
    buyers = np.minimum(best["p_organic"], 1.0) * best["p_accept"]
    return {
        "given": total,
        "to_takers_anyway": float((given * takers).sum() / total),
        "to_buyers_anyway": float((given * buyers).sum() / total),
    }


def _of(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None


def _draws(groups: np.ndarray, *, seed: int) -> np.ndarray:
    """(draws, n) how often each row is drawn with its account."""
    n = int(groups.max()) + 1 if len(groups) else 0
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=N_DRAWS) if n else np.zeros((0, 0))
    return np.asarray(counts[:, groups])


def _mean(y: np.ndarray, inside: np.ndarray, draws: np.ndarray) -> dict[str, float]:
    weight = draws * inside
    total = weight.sum(axis=1)
    means = (weight @ y)[total > 0] / total[total > 0]
    low, high = np.quantile(means, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return {"accepted": float(np.average(y, weights=inside)), "low": float(low), "high": float(high)}
