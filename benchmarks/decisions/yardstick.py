"""The best policy that knows what the features know: boosters fitted on the truth of fresh accounts, an offer each.

They see the same features and the same columns of the offer as the account meets it, and the value itself, without
noise of answers, of every account: what no log can tell. Kept beside the companies, since learning them takes minutes.
"""

import hashlib
import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.decisions.companies import CHOICE, Company, read
from benchmarks.decisions.worlds import KEPT
from data.catalog import Catalog, Offer
from features.offer_relative import relative
from features.offers import parts
from models.account_columns import AccountColumns

PARAMETERS = {
    "objective": "regression", "learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 40, "lambda_l2": 1.0,
    "feature_fraction": 0.5, "max_bin": 63, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "seed": 1,
}  # fmt: skip
ROUNDS = 300


def _matrix(offer: Offer, accounts: pd.DataFrame, columns: AccountColumns, catalog: Catalog) -> np.ndarray:
    return np.column_stack([relative(parts(offer, catalog), accounts, catalog), columns.matrix(accounts)])


def _ways(offer: Offer, rows: pd.DataFrame) -> np.ndarray:
    codes = rows["channel"].map({c: i for i, c in enumerate(offer.channels)})
    return np.column_stack([codes, rows["discount_pct"]]).astype("float64")


def learnt(preset: str, folders: list[Path]) -> Path:
    """The folder of the yardstick from these companies; learnt where it is not there yet."""
    name = hashlib.sha256(json.dumps([f.name for f in folders] + [ROUNDS, PARAMETERS]).encode()).hexdigest()[:10]
    kept = KEPT / f"yardstick-{preset}-{name}"
    if kept.is_dir():
        return kept
    companies = [read(folder) for folder in folders]
    catalog = companies[0].catalog
    accounts = [c.accounts.assign(account_id=f"{i}/" + c.accounts["account_id"]) for i, c in enumerate(companies)]
    truth = [c.truth.assign(account_id=f"{i}/" + c.truth["account_id"]) for i, c in enumerate(companies)]
    rows, told = pd.concat(accounts, ignore_index=True), pd.concat(truth, ignore_index=True)
    columns = AccountColumns.learn(rows, companies[0].predictors)
    beside = kept.with_suffix(".partial")
    beside.mkdir(parents=True, exist_ok=True)
    (beside / "columns.json").write_text(json.dumps(columns.to_json()))
    draw = np.random.default_rng(1)
    place = pd.Series(np.arange(len(rows)), index=rows["account_id"])
    for offer in catalog.offers:
        mine = told[told["offer_id"] == offer.id]
        # a way for each account, drawn: the function of channel and discount is smooth, the accounts are many
        mine = mine.iloc[draw.permutation(len(mine))].drop_duplicates("account_id")
        some = rows.iloc[place.loc[mine["account_id"]].to_numpy()].reset_index(drop=True)
        scale = _scale(some)
        x = np.column_stack([_ways(offer, mine), _matrix(offer, some, columns, catalog)]).astype(np.float32)
        # values per euro of MRR are of one size; weighted so that euros count alike
        data = lgb.Dataset(x, label=mine["value"].to_numpy() / scale, weight=scale / scale.mean())
        (beside / f"{offer.id}.txt").write_text(lgb.train(PARAMETERS, data, ROUNDS).model_to_string())
    beside.rename(kept)
    return kept


def _scale(accounts: pd.DataFrame) -> np.ndarray:
    return np.maximum(accounts["mrr"].to_numpy(dtype="float64", na_value=0.0), 50.0)


def expected(kept: Path, company: Company) -> pd.DataFrame:
    """The truth's rows (ways), in their order, and `knows`: what the yardstick expects of each."""
    columns = AccountColumns(**json.loads((kept / "columns.json").read_text()))
    accounts, ways = company.accounts, company.truth
    place = pd.Series(np.arange(len(accounts)), index=accounts["account_id"])
    found = np.full(len(ways), np.nan)
    for offer in company.catalog.offers:
        at = np.flatnonzero((ways["offer_id"] == offer.id).to_numpy())
        if not len(at):
            continue
        mine = ways.iloc[at]
        booster = lgb.Booster(model_file=str(kept / f"{offer.id}.txt"))
        who, of = np.unique(place.loc[mine["account_id"]].to_numpy(), return_inverse=True)
        some = accounts.iloc[who].reset_index(drop=True)
        own = _matrix(offer, some, columns, company.catalog)
        x = np.column_stack([_ways(offer, mine), own[of]]).astype(np.float32)
        found[at] = np.asarray(booster.predict(x)) * _scale(some)[of]
    return ways[CHOICE].assign(knows=found)
