"""Preset `noise`: nothing that can be seen has to do with the label."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.catalog import Catalog
from tests.data.simulate.conftest import labels, terms_on, z_by_account

DAYS = pd.date_range("2024-12-01", "2026-03-01", freq="3MS")
Tables = tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]


def test_the_truth_is_the_same_for_everybody(noise: Tables) -> None:
    spread = noise[1]["expansion"].groupby("as_of")["p_logged"].agg(lambda p: p.max() - p.min())
    assert spread.max() < 1e-9


def test_labels_come_true_as_often_as_it_says(noise: Tables, catalog: Catalog) -> None:
    raw, truth = noise
    days = pd.date_range("2024-06-01", "2026-03-01", freq="MS")
    both = labels(raw["subscriptions"], catalog, days).merge(truth["expansion"], on=["account_id", "as_of"])
    assert both["p_logged"].mean() > 0.05
    assert abs(z_by_account(both["expanded"] - both["p_logged"], both["account_id"])) < 3


def test_what_can_be_seen_says_nothing_of_the_label(noise: Tables, catalog: Catalog) -> None:
    raw, _ = noise
    tiers = {plan.id: plan.tier for plan in catalog.plans}
    frames = []
    for day in DAYS:
        month = day - pd.Timedelta(days=28)
        terms = terms_on(raw["subscriptions"], tiers, day)

        def recent(name: str, stamp: str, some: pd.Timestamp = month, until: pd.Timestamp = day) -> pd.DataFrame:
            return raw[name][raw[name][stamp].between(some, until, inclusive="left")]

        meters, usage = recent("meters", "measured_on"), recent("usage", "used_on")
        users = meters[meters["metric"] == "active_users"].groupby("account_id")["value"].max()
        seen = terms[["mrr", "tier"]].assign(
            users=users,
            used=usage.groupby("account_id")["n_events"].sum(),
            gated=usage[usage["kind"] == "gated"].groupby("account_id").size(),
            tickets=recent("tickets", "opened_at").groupby("account_id").size(),
            proposed=recent("proposals", "proposed_at").groupby("account_id").size(),
            changed=raw["subscriptions"].query("valid_from_on < @day").groupby("account_id")["valid_from_on"].max(),
        )
        seen["changed"] = (day - seen["changed"]).dt.days
        frames.append(seen.fillna(0.0).reset_index().assign(as_of=day))
    features = pd.concat(frames).merge(labels(raw["subscriptions"], catalog, DAYS), on=["account_id", "as_of"])
    X = np.log1p(features.drop(columns=["account_id", "as_of", "expanded"]).to_numpy(float))
    y = features["expanded"].to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    p = cross_val_predict(model, X, y, groups=features["account_id"], cv=GroupKFold(5), method="predict_proba")[:, 1]
    # Standard error of an AUC at chance: 1 / sqrt(12 × positives), about; three of them.
    assert abs(roc_auc_score(y, p) - 0.5) < 3 / np.sqrt(12 * y.sum())
