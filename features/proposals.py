"""Past proposals: what was put to the account, and what it answered."""

import ibis
import ibis.expr.types as ir

from data.contract import NO_RESPONSE_AFTER_DAYS
from data.known import known
from features.feature import aggregated, feature

FEATURES = [
    feature(
        "proposals_365d", "proposals", "count",
        lambda p: (p.age_days <= 365).sum(),
        description=("Proposals in a year", "直近1年の提案回数"),
        sentence=("{value} proposal{s} in a year", "直近1年の提案は{value}回"),
        empty=0,
    ),
    feature(
        "days_since_proposal", "proposals", "days",
        lambda p: p.age_days.min(),
        description=("Days since the last proposal", "最後の提案からの日数"),
        sentence=("Last proposal {value} ago", "最後の提案から{value}経過"),
        nothing=("Nothing proposed so far", "これまで提案なし"),
    ),
    feature(
        "acceptances", "proposals", "count",
        lambda p: (p.outcome_known == "accepted").sum(),
        description=("Proposals accepted so far", "これまでに受諾された提案数"),
        sentence=("Accepted {value} proposal{s} so far", "これまでに{value}件の提案を受諾"),
        empty=0,
    ),
    feature(
        "refusals_365d", "proposals", "count",
        lambda p: ((p.outcome_known == "declined") & (p.decided_days <= 365)).sum(),
        description=("Proposals declined in a year", "直近1年に断られた提案数"),
        sentence=("Declined {value} proposal{s} in a year", "直近1年に{value}件の提案を辞退"),
        empty=0,
    ),
    feature(
        "days_since_refusal", "proposals", "days",
        lambda p: p.decided_days.min(where=p.outcome_known == "declined"),
        description=("Days since a proposal was declined", "最後に断られてからの日数"),
        sentence=("Last declined {value} ago", "最後の辞退から{value}経過"),
        nothing=("Has never declined", "断られたことはありません"),
    ),
    feature(
        "contacts_30d", "proposals", "count",
        lambda p: (p.age_days <= 30).sum(),
        description=("Proposals in the last 30 days", "直近30日の提案回数"),
        sentence=("{value} proposal{s} in 30 days", "直近30日の提案は{value}回"),
        empty=0, is_predictor=False,
    ),
]  # fmt: skip


def answered(proposals: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """Each proposal that was put to an account beside each as_of that knows it, with its outcome as far as it was known.

    What was withheld on purpose (`none`) was never seen by the customer, and is no proposal here.
    """
    rows = known(proposals.filter(proposals.offer_id != "none"), as_ofs)
    midnight = rows.as_of.cast("timestamp")
    age_days = rows.as_of.delta(rows.proposed_at.cast("date"), unit="day")
    is_decided = (rows.decided_at < midnight).fill_null(False)
    is_silent = (rows.outcome == "no_response") & (age_days > NO_RESPONSE_AFTER_DAYS)
    outcome = is_decided.ifelse(rows.outcome, is_silent.ifelse("no_response", "open"))
    decided = rows.as_of.delta(rows.decided_at.cast("date"), unit="day")
    return rows.mutate(
        age_days=age_days,
        outcome_known=outcome,
        decided_days=is_decided.ifelse(decided, ibis.null("int64")),
    )


def proposals(proposals: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of) that had a proposal so far."""
    return aggregated(answered(proposals, as_ofs), FEATURES)


def refusals(proposals: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of, offer_id): days since that offer was last proposed, and since each of its answers.

    open_for_days: the age of the newest proposal that has no answer yet; null where all are answered. One that the
    customer put off (open, with a `decided_at`: the end of the wait) is waited for no longer once that day has come.
    """
    rows = answered(proposals, as_ofs)
    outcome = rows.outcome_known
    silence_days = rows.age_days - NO_RESPONSE_AFTER_DAYS  # an answer that never came is known from then on
    return rows.group_by("account_id", "as_of", "offer_id").aggregate(
        days_since_proposed=rows.age_days.min(),
        days_since_accepted=rows.decided_days.min(where=outcome == "accepted"),
        days_since_declined=rows.decided_days.min(where=outcome == "declined"),
        days_since_no_response=ibis.coalesce(rows.decided_days, silence_days).min(where=outcome == "no_response"),
        open_for_days=rows.age_days.min(where=(outcome == "open") & rows.decided_days.isnull()),
    )


def contacts(proposals: ir.Table, as_ofs: ir.Table, *, days: int) -> ir.Table:
    """One row per (account_id, as_of, channel, age_days): `n_contacts` of the last `days` days, 1 for yesterday."""
    rows = answered(proposals, as_ofs)
    rows = rows.filter(rows.age_days <= days)
    return rows.group_by("account_id", "as_of", "channel", "age_days").aggregate(n_contacts=rows.count())
