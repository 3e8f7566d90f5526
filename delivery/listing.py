"""The list as the contract fixes it: decisions, with their triggers, reasons and words beside."""

from collections.abc import Sequence

import pandas as pd

from data.catalog import Catalog, Language
from delivery import words
from delivery.outputs import RANKED_ACCOUNTS
from features.feature import Feature


def ranked_accounts(
    decisions: pd.DataFrame,
    reasons: pd.DataFrame,
    triggers: pd.DataFrame,
    named: Sequence[Feature],
    catalog: Catalog,
    *,
    n_reasons: int,
    language: Language,
    model_version: str,
) -> pd.DataFrame:
    """One row per active account, in the order of rank, with the columns of the contract."""
    fired = triggers.groupby("account_id")["trigger"].agg(list)
    rows = decisions.merge(words.chosen(reasons, named, n=n_reasons, language=language), on="account_id", how="left")
    rows = rows.sort_values("rank").reset_index(drop=True)
    rows["triggers"] = [fired.get(account, []) for account in rows["account_id"]]
    approvers = {o.id: o.discounts.approver[language] for o in catalog.offers if o.discounts.approver}
    rows["approval"] = rows["offer_id"].map(approvers).where(rows["needs_approval"].astype(bool), None)
    rows["would_unblock"] = words.would_unblock(rows, named, catalog, language)
    rows["model_version"] = model_version
    return rows[[column.name for column in RANKED_ACCOUNTS.columns]]
