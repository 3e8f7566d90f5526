"""Plain learners on the same features and the same log, set as they usually are: S, T, DR, ridge, acceptance × value.

Each gives, for every way to make every offer (a row of the truth's key), what it expects of it in money a year, before
the contact's cost. Outcome of the S-, T-, DR-learner and the ridge: twelve times the rise of the account's MRR over the
three months after the proposal (or after nothing: the withheld, and uncontacted account-months), as really paid.
"""

from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.decisions.companies import Company
from features.offers import added_mrr
from models.account_columns import AccountColumns
from models.overlap import estimated
from models.response_log import joined

MONTHS_ON = 3
N_ALONE = 1.0  # uncontacted account-months, as a share of the proposals
BOOST = {
    "objective": "regression", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 40, "lambda_l2": 5.0,
    "feature_fraction": 0.6, "max_bin": 63, "verbosity": -1, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "seed": 1,
}  # fmt: skip
ROUNDS = 150


class Rows:
    """What all rivals share: the log's rows and some uncontacted months, their features, and what followed."""

    def __init__(self, company: Company, log: pd.DataFrame, *, seed: int) -> None:
        snapshots, catalog = company.snapshots, company.catalog
        self.company, self.catalog = company, catalog
        self.offers = [o.id for o in catalog.offers]
        self.columns = AccountColumns.learn(snapshots, company.predictors)
        key = pd.MultiIndex.from_frame(snapshots[["account_id", "as_of"]])
        later = snapshots["as_of"] + pd.DateOffset(months=MONTHS_ON)
        mrr = pd.Series(snapshots["mrr"].to_numpy(dtype="float64"), index=key)
        then = mrr.reindex(pd.MultiIndex.from_arrays([snapshots["account_id"], later])).to_numpy()
        over = (later <= snapshots["as_of"].max()).to_numpy()
        rise = 12 * (np.nan_to_num(then) - snapshots["mrr"].to_numpy(dtype="float64"))  # who left pays nothing
        made = joined(log, snapshots)
        quiet = np.ones(len(snapshots), dtype=bool)
        if "days_since_proposal" in snapshots:
            quiet[joined(company.log, snapshots)["row"].to_numpy()] = False
        draw = np.random.default_rng(seed)
        alone = draw.permutation(np.flatnonzero(over & quiet))[: int(N_ALONE * len(made))]
        nothing = pd.DataFrame(
            {"row": alone, "offer_id": "none", "account_id": snapshots["account_id"].to_numpy()[alone]}
        )
        rows = pd.concat([made[over[made["row"].to_numpy()]], nothing], ignore_index=True)
        self.all_made = made[made["offer_id"] != "none"].reset_index(drop=True)
        self.rows = rows
        self.outcome = rise[rows["row"].to_numpy()]
        self.own = self.columns.matrix(snapshots.iloc[rows["row"].to_numpy()])
        self.offer = rows["offer_id"].to_numpy()
        self.is_remote = (rows["channel"].fillna("csm") != "csm").to_numpy(dtype="float64")
        self.discount = rows["discount_pct"].fillna(0.0).to_numpy(dtype="float64")
        self.now = self.columns.matrix(company.accounts)
        ways = company.truth
        place = pd.Series(np.arange(len(company.accounts)), index=company.accounts["account_id"])
        self.who = place.loc[ways["account_id"]].to_numpy()
        self.way_offer = ways["offer_id"].to_numpy()
        self.way_terms = np.column_stack([(ways["channel"] != "csm"), ways["discount_pct"]]).astype("float64")

    def one_hot(self, offer_ids: np.ndarray) -> np.ndarray:
        """(n, offers)"""
        return (offer_ids[:, None] == np.array(self.offers, dtype=object)[None, :]).astype("float64")

    def by_offer(self, of: Callable[[str, np.ndarray], np.ndarray]) -> np.ndarray:
        """(ways,): `of(offer_id, places)` for the ways of each offer."""
        found = np.zeros(len(self.way_offer))
        for offer_id in self.offers:
            at = np.flatnonzero(self.way_offer == offer_id)
            if len(at):
                found[at] = of(offer_id, at)
        return found


def _boost(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, **more: object) -> lgb.Booster:
    data = lgb.Dataset(x.astype(np.float32), label=y, weight=weight, params={"verbosity": -1, "max_bin": 63})
    return lgb.train({**BOOST, **more}, data, ROUNDS)


def s_learner(rows: Rows) -> np.ndarray:
    """One booster of features, offer, channel and discount; an offer against none."""
    terms = np.column_stack([rows.one_hot(rows.offer), rows.is_remote, rows.discount])
    model = _boost(np.column_stack([rows.own, terms]), rows.outcome)
    nothing = np.zeros((len(rows.now), len(rows.offers) + 2))
    alone = np.asarray(model.predict(np.column_stack([rows.now, nothing]).astype(np.float32)))

    def of(offer_id: str, at: np.ndarray) -> np.ndarray:
        hot = rows.one_hot(np.full(len(at), offer_id, dtype=object))
        x = np.column_stack([rows.now[rows.who[at]], hot, rows.way_terms[at]])
        return np.asarray(model.predict(x.astype(np.float32))) - alone[rows.who[at]]

    return rows.by_offer(of)


def t_learner(rows: Rows) -> np.ndarray:
    """A booster for each offer, less one for none."""
    terms = np.column_stack([rows.is_remote, rows.discount])
    none = rows.offer == "none"
    alone = np.asarray(_boost(rows.own[none], rows.outcome[none]).predict(rows.now))

    def of(offer_id: str, at: np.ndarray) -> np.ndarray:
        mine = rows.offer == offer_id
        if mine.sum() < 50:
            return np.zeros(len(at))
        model = _boost(np.column_stack([rows.own[mine], terms[mine]]), rows.outcome[mine], min_data_in_leaf=20)
        x = np.column_stack([rows.now[rows.who[at]], rows.way_terms[at]]).astype(np.float32)
        return np.asarray(model.predict(x)) - alone[rows.who[at]]

    return rows.by_offer(of)


def dr_learner(rows: Rows) -> np.ndarray:
    """Doubly robust scores of each offer against none, regressed on features; estimated pscores, clipped at 0.02."""
    none = rows.offer == "none"
    groups = rows.rows["account_id"].to_numpy()
    fold = pd.factorize(groups)[0] % 2
    chances = estimated(rows.own.astype("float64"), rows.offer, groups, seed=1)
    place = chances.columns.get_indexer(rows.offer)
    chance = np.clip(chances.to_numpy()[np.arange(len(place)), place], 0.02, 1.0)
    terms = np.column_stack([rows.is_remote, rows.discount])
    base = np.zeros(len(rows.offer))
    for k in (0, 1):
        base[fold == k] = _boost(rows.own[none & (fold != k)], rows.outcome[none & (fold != k)]).predict(
            rows.own[fold == k]
        )

    def of(offer_id: str, at: np.ndarray) -> np.ndarray:
        mine = rows.offer == offer_id
        if mine.sum() < 100:
            return np.zeros(len(at))
        both = mine | none
        given = np.zeros(len(rows.offer))
        wide = np.column_stack([rows.own, terms])
        for k in (0, 1):
            model = _boost(wide[mine & (fold != k)], rows.outcome[mine & (fold != k)], min_data_in_leaf=20)
            given[fold == k] = model.predict(wide[fold == k].astype(np.float32))
        residual = np.where(mine, rows.outcome - given, -(rows.outcome - base)) / chance
        score = given - base + residual
        low, high = np.quantile(score[both], [0.01, 0.99])
        final = _boost(wide[both], np.clip(score[both], low, high))
        x = np.column_stack([rows.now[rows.who[at]], rows.way_terms[at]]).astype(np.float32)
        return np.asarray(final.predict(x))

    return rows.by_offer(of)


def ridge_learner(rows: Rows) -> np.ndarray:
    """A ridge of features, offers, and each offer's own slopes; the penalty by five folds of accounts."""
    full = np.concatenate([rows.own, rows.now])
    moved = np.sign(full) * np.log1p(np.abs(full))
    mean, scale = np.nanmean(moved, axis=0), np.nanstd(moved, axis=0)
    z = np.nan_to_num((moved - mean) / np.where(scale > 0, scale, 1.0)).clip(-4, 4)
    own, now = z[: len(rows.own)], z[len(rows.own) :]

    def design(x: np.ndarray, offer_ids: np.ndarray, terms: np.ndarray) -> np.ndarray:
        hot = rows.one_hot(offer_ids)
        return np.column_stack([x, hot, terms, *[x * hot[:, [j]] for j in range(hot.shape[1])]]).astype(np.float32)

    x = design(own, rows.offer, np.column_stack([rows.is_remote, rows.discount / 10]))
    level = rows.outcome.mean()
    gram, right = (x.T @ x).astype("float64"), x.T @ (rows.outcome - level)
    fold = pd.factorize(rows.rows["account_id"])[0] % 5
    strengths = (300.0, 1000.0, 3000.0, 10000.0)
    losses = np.zeros(len(strengths))
    for k in range(2):  # two of the five judge: enough to tell strengths that differ threefold
        out = fold == k
        part, r = gram - x[out].T @ x[out], right - x[out].T @ (rows.outcome[out] - level)
        for i, strength in enumerate(strengths):
            beta = np.linalg.solve(part + strength * np.eye(len(part)), r)
            losses[i] += np.sum((rows.outcome[out] - level - x[out] @ beta) ** 2)
    beta = np.linalg.solve(gram + strengths[int(np.argmin(losses))] * np.eye(len(gram)), right)
    alone = now @ beta[: now.shape[1]]

    def of(offer_id: str, at: np.ndarray) -> np.ndarray:
        terms = rows.way_terms[at] / [1, 10]
        return design(now[rows.who[at]], np.full(len(at), offer_id, dtype=object), terms) @ beta - alone[rows.who[at]]

    return rows.by_offer(of)


def acceptance_times_value(rows: Rows) -> np.ndarray:
    """A booster of acceptance (features, offer, channel, discount) × list price a year, the discount off."""
    made, snapshots = rows.all_made, rows.company.snapshots
    own = rows.columns.matrix(snapshots.iloc[made["row"].to_numpy()])
    remote = (made["channel"] != "csm").to_numpy(dtype="float64")
    terms = np.column_stack([rows.one_hot(made["offer_id"].to_numpy()), remote, made["discount_pct"]])
    model = _boost(np.column_stack([own, terms]), made["y"].to_numpy(), objective="binary")
    by_id = {o.id: o for o in rows.catalog.offers}

    def of(offer_id: str, at: np.ndarray) -> np.ndarray:
        offer = by_id[offer_id]
        hot = rows.one_hot(np.full(len(at), offer_id, dtype=object))
        x = np.column_stack([rows.now[rows.who[at]], hot, rows.way_terms[at]]).astype(np.float32)
        yearly = 12 * added_mrr(offer, rows.company.accounts, rows.catalog).to_numpy(dtype="float64")
        sells = offer.kind not in ("trial", "enablement", "retention")
        left = 1 - rows.way_terms[at][:, 1] / 100
        return np.asarray(model.predict(x)) * yearly[rows.who[at]] * left * sells

    return rows.by_offer(of)


LEARNERS: dict[str, Callable[[Rows], np.ndarray]] = {
    "accept": acceptance_times_value, "s": s_learner, "t": t_learner, "dr": dr_learner, "ridge": ridge_learner,
}  # fmt: skip
