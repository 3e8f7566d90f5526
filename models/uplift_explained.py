"""Why an account is persuadable, not why it is likely: what each column adds to the log-odds of accepting, less what it
adds to the log-odds of doing the same by itself.

Both are exact: the ridge's terms and the trees' Shapley values sum to the margin of accepting. Of the organic model,
whose margin is the log of a rate, they are carried to log-odds by the ratio of the account's own move from the base,
which is positive, since every step between is a rising function.
"""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import logit

from data.catalog import Catalog, Offer
from features.offers import parts
from models import explanation
from models.acceptance import Acceptance, family, stacked
from models.organic import NEVER, Organic, probability

COLUMNS = ("account_id", "as_of", "offer_id", "feature", "offered", "alone", "uplift", "value")
BASE = "(base)"
TERMS = "(channel and discount)"
LEAST = 1e-12


def offered(model: Acceptance, table: np.ndarray, what: pd.DataFrame) -> pd.DataFrame:
    """(n, columns) log-odds of accepting, by raw column, with TERMS and BASE; rows sum to the margin."""
    design = model.design
    z = design.matrix(table, what)
    a, b = model.stack.coefficients[:2]
    found = pd.DataFrame(0.0, index=range(len(table)), columns=[*design.raw, TERMS, BASE])
    terms = z * model.ridge.coefficients * (model.slope * a)
    for j, (name, group) in enumerate(design.columns):
        raw = name.split(" (")[0].split(" above ")[0].removesuffix(" unknown")
        column = TERMS if group == "terms" or name.startswith("channel=") else raw if raw in design.raw else BASE
        found[column] += terms[:, j]
    x, of = model.wide(table, what), family(what)
    trees = np.zeros((len(table), x.shape[1] + 1))
    for name in np.unique(of):
        trees[of == name] = explanation.contributions([model.booster(name)], x[of == name]) * (model.slope * b)
    # after the raw columns: the kind, the discount, whether a person calls, the trees' base
    found[list(design.raw)] += trees[:, : len(design.raw)]
    found[BASE] += trees[:, len(design.raw)] + trees[:, -1]
    found[TERMS] += trees[:, len(design.raw) + 1 : -1].sum(axis=1)
    n = len(table)
    heard = stacked(np.zeros(n), np.zeros(n), what, design)
    rest = heard * model.stack.coefficients * model.slope
    found[TERMS] += rest[:, 2:4].sum(axis=1)
    own = what["offer_id"].map(model.offsets).fillna(0.0).to_numpy(dtype="float64")
    found[BASE] += rest[:, 4:].sum(axis=1) + model.intercept + own
    found[BASE] += model.slope * (a * model.ridge.intercept + model.stack.intercept)
    return found


def by_itself(
    model: Organic, offer: Offer, accounts: pd.DataFrame, catalog: Catalog
) -> tuple[pd.DataFrame, np.ndarray]:
    """(n, columns) log-odds of doing it all by itself within the horizon, with BASE; and that probability.

    Nothing for an offer that changes nothing by itself.
    """
    of_offer = parts(offer, catalog)
    names = model.names
    found = pd.DataFrame(0.0, index=range(len(accounts)), columns=[*names, BASE])
    if not of_offer or not model.horizon:
        return found, np.zeros(len(accounts))
    booster = lgb.Booster(model_str=model.horizon)
    log_p, log_base = np.zeros(len(accounts)), np.zeros(len(accounts))
    total = np.zeros((len(accounts), len(names)))
    for part in of_offer:
        c = explanation.contributions([booster], model.matrix(part, accounts, catalog))
        base, moved = c[:, -1], c[:, :-1]
        here = np.log(np.maximum(probability(c.sum(axis=1), model.n_horizon), LEAST))
        there = np.log(np.maximum(probability(base, model.n_horizon), LEAST))
        total += moved * _ratio(here - there, moved.sum(axis=1))[:, None]
        log_p += here
        log_base += there
    p, p_base = np.exp(log_p), np.exp(log_base)
    moves = logit(np.clip(p, LEAST, 1 - LEAST)) - logit(np.clip(p_base, LEAST, 1 - LEAST))
    found[names] = total * _ratio(moves, log_p - log_base)[:, None]
    found[BASE] = logit(np.clip(p, LEAST, 1 - LEAST)) - found[names].sum(axis=1).to_numpy()
    return found, p


def _ratio(to: np.ndarray, of: np.ndarray) -> np.ndarray:
    """to ÷ of; 1 where there is nothing to divide."""
    return np.divide(to, of, out=np.ones(len(to)), where=np.abs(of) > 1e-9)


def uplift(
    said: Acceptance, alone: Organic, offer: Offer, table: np.ndarray, what: pd.DataFrame, accounts: pd.DataFrame,
    catalog: Catalog,
) -> pd.DataFrame:  # fmt: skip
    """One row per account × column: `offered`, `alone` and `uplift` = offered − alone, in log-odds; and the column's
    `value` as the offer meets the account, null where it has none.

    Per account, `offered` sums to the margin of accepting, and `alone` to the log-odds of p_organic (both with BASE).
    """
    one = offered(said, table, what)
    other, p = by_itself(alone, offer, accounts, catalog)
    if not p.any():
        other.loc[:, BASE] = NEVER
    columns = list(dict.fromkeys([*one.columns, *other.columns]))
    columns = [name for name in columns if name != BASE] + [BASE]
    left = one.reindex(columns=columns, fill_value=0.0).to_numpy()
    right = other.reindex(columns=columns, fill_value=0.0).to_numpy()
    n, d = left.shape
    values = pd.DataFrame(table, columns=list(said.design.raw)).reindex(columns=columns).to_numpy()
    return pd.DataFrame(
        {
            "account_id": np.repeat(accounts["account_id"].to_numpy(), d),
            "as_of": np.repeat(accounts["as_of"].to_numpy(), d),
            "offer_id": offer.id,
            "feature": np.tile(np.array(columns, dtype=object), n),
            "offered": left.ravel(),
            "alone": right.ravel(),
            "uplift": (left - right).ravel(),
            "value": values.ravel(),
        }
    )
