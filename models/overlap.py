"""What was proposed to whom: the probabilities that nobody logged, estimated; and where hardly anything was proposed.

Estimand: P(offer | proposed to by a person, features), cross-fitted by account. A candidate (account, offer) whose
probability is below `floor` × its fair share (1 ÷ offers) lies outside of what was tried: what is said of it there
leans on other offers and other accounts.
"""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.folds import parts_of

PARAMETERS: dict[str, Any] = {
    "objective": "multiclass", "learning_rate": 0.1, "num_leaves": 6, "min_data_in_leaf": 40, "lambda_l2": 10.0,
    "feature_fraction": 0.3, "max_bin": 31, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1,
}  # fmt: skip
ROUNDS = 30
N_FOLDS = 3
LEAST = 1e-3


def estimated(own: np.ndarray, offer_ids: np.ndarray, groups: np.ndarray, *, seed: int) -> pd.DataFrame:
    """(n, offers): how likely each offer was chosen for each row, by models that did not know its account.

    own: (n, d) what was known of the account; offer_ids: what was proposed; groups: accounts.
    """
    codes, names = pd.factorize(np.asarray(offer_ids, dtype=object), sort=True)
    if len(names) < 2:
        return pd.DataFrame(np.ones((len(codes), len(names))), columns=names)
    found = np.zeros((len(codes), len(names)))
    fold = parts_of(pd.factorize(groups)[0], np.zeros(len(codes), dtype=int), n_parts=N_FOLDS, seed=seed)
    for k in range(N_FOLDS):
        out = fold == k
        if out.any() and not out.all():
            found[out] = _boosted(own[~out], codes[~out], len(names), seed=seed).predict(own[out])
    return pd.DataFrame(found, columns=names)


def _boosted(own: np.ndarray, codes: np.ndarray, n_offers: int, *, seed: int) -> lgb.Booster:
    parameters = {**PARAMETERS, "num_class": n_offers, "seed": seed}
    return lgb.train(parameters, lgb.Dataset(own, label=codes, params={"verbosity": -1, "max_bin": 31}), ROUNDS)


def pscores(made: pd.DataFrame, own: np.ndarray, *, seed: int) -> np.ndarray:
    """(n,) the logged probability where there is one, else the estimated one of the offer that was made."""
    found = made["pscore"].to_numpy(dtype="float64").copy()
    people = np.flatnonzero(np.isnan(found))
    if len(people):
        offer_ids = made["offer_id"].to_numpy()[people]
        chances = estimated(own[people], offer_ids, made["account_id"].to_numpy()[people], seed=seed)
        place = chances.columns.get_indexer(pd.Index(offer_ids))
        found[people] = np.maximum(chances.to_numpy()[np.arange(len(people)), place], LEAST)
    return found


def report(made: pd.DataFrame, own: np.ndarray, pscore: np.ndarray, *, floor: float, seed: int) -> dict[str, Any]:
    """By offer: proposals, random ones, and the share of people's candidates to whom it was hardly ever proposed."""
    is_random = made["pscore"].notna().to_numpy()
    people = np.flatnonzero(~is_random)
    offers = sorted(made["offer_id"].unique())
    rarely: dict[str, float] = {}
    if len(people) >= 10 * len(offers):
        chances = estimated(
            own[people], made["offer_id"].to_numpy()[people], made["account_id"].to_numpy()[people], seed=seed
        )
        rarely = {str(name): float((chances[name] < floor / len(offers)).mean()) for name in chances}
    return {
        "floor": floor / len(offers),
        "n_random": int(is_random.sum()),
        "n_people": len(people),
        "effective_n": float(1 / np.mean(1 / pscore) * len(pscore)) if len(pscore) else 0.0,
        "offers": {
            str(offer): {
                "n": int((made["offer_id"] == offer).sum()),
                "n_random": int(((made["offer_id"] == offer) & is_random).sum()),
                "rarely_proposed": rarely.get(str(offer)),
            }
            for offer in offers
        },
    }
