"""Commerce: what they pay for, on what terms, until when, and what they changed before."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.known import known
from data.terms import products
from features.feature import aggregated, feature

TERMS = [
    feature(
        "plan_id", "commerce", "category",
        lambda w: w.plan_id,
        description=("Plan", "プラン"),
        sentence=("On the plan {value}", "プランは{value}"),
    ),
    feature(
        "plan_tier", "commerce", "number",
        lambda w: w.plan_tier,
        description=("Tier of the plan", "プランの段階"),
        sentence=("Tier {value} of the plans", "プランは{value}段階目"),
        is_predictor=False,
    ),
    feature(
        "mrr", "commerce", "money",
        lambda w: w.mrr,
        description=("MRR, add-ons included", "MRR（アドオン込み）"),
        sentence=("Pays {value} a month", "月額{value}"),
    ),
    feature(
        "mrr_per_seat", "commerce", "money",
        lambda w: w.mrr / w.seats.nullif(0),
        description=("MRR ÷ seats", "1シートあたりMRR"),
        sentence=("Pays {value} per seat and month", "1シートあたり月額{value}"),
        nothing=("No seats", "シート契約なし"),
    ),
    feature(
        "current_discount_pct", "commerce", "number",
        lambda w: w.current_discount_pct.fill_null(0.0),
        description=("Discount in per cent, weighted by MRR", "割引率（%、MRR加重）"),
        sentence=("Has a discount of {value} per cent", "割引率は{value}%"),
    ),
    feature(
        "billing", "commerce", "category",
        lambda w: w.billing,
        description=("Billing", "支払いサイクル"),
        sentence=("Billed {value}", "支払いは{value}"),
    ),
    feature(
        "days_to_renewal", "commerce", "days",
        lambda w: w.renews_on.delta(w.as_of, unit="day"),
        description=("Days until the next renewal", "次回更新までの日数"),
        sentence=("Renewal in {value}", "契約更新まで{value}"),
        nothing=("No renewal date", "更新日なし"),
    ),
    feature(
        "n_add_ons", "commerce", "count",
        lambda w: w.n_add_ons,
        description=("Add-ons", "契約中のアドオン数"),
        sentence=("{value} add-on{s}", "アドオンは{value}件"),
    ),
]  # fmt: skip

CHANGES = [
    feature(
        "term_changes_365d", "commerce", "count",
        lambda s: (s.is_change & ~s.is_repriced & (s.age_days <= 365)).sum(),
        description=("Changes of terms in a year", "直近1年の契約変更回数"),
        sentence=("{value} change{s} of terms in a year", "直近1年の契約変更は{value}回"),
        empty=0,
    ),
    feature(
        "days_since_term_change", "commerce", "days",
        lambda s: s.age_days.min(where=~s.is_repriced),
        description=("Days since terms began or last changed", "契約開始・変更からの日数"),
        sentence=("Terms last changed {value} ago", "最後の契約変更から{value}経過"),
    ),
    feature(
        "upgrades", "commerce", "count",
        lambda s: s.is_upgrade.sum(),
        description=("Upgrades of the plan so far", "これまでのアップグレード回数"),
        sentence=("Has upgraded {value} time{s}", "これまでに{value}回アップグレード"),
        empty=0,
    ),
    feature(
        "downgrades", "commerce", "count",
        lambda s: s.is_downgrade.sum(),
        description=("Downgrades of the plan so far", "これまでのダウングレード回数"),
        sentence=("Has downgraded {value} time{s}", "これまでに{value}回ダウングレード"),
        empty=0,
    ),
]  # fmt: skip


def changes(subscriptions: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """One row per (account_id, as_of): what changed so far, from each row of terms to the next of the same account.

    A new price for what runs on with its quantity and billing is no change of terms, as it is none to the label:
    otherwise a new price list would make every account look as if it had just decided something.
    """
    rows = known(subscriptions, as_ofs).join(products(catalog), "product_id")
    rows = rows.mutate(age_days=rows.as_of.delta(rows.valid_from_on, unit="day"))
    in_order = ibis.window(
        group_by=["account_id", "as_of", "is_plan"], order_by=[rows.valid_from_on, rows.subscription_id]
    )
    # a plan that runs on beside the new one was not changed into it
    has_ended = rows.valid_to_on.lag().over(in_order) <= rows.valid_from_on
    tier_before = has_ended.ifelse(rows.tier.lag().over(in_order), ibis.null("int64"))
    rows = rows.mutate(tier_before=tier_before, place=ibis.row_number().over(in_order))
    rows = rows.mutate(
        is_change=(rows.place > 0) | ~rows.is_plan,
        is_upgrade=(rows.tier > rows.tier_before).fill_null(False),
        is_downgrade=(rows.tier < rows.tier_before).fill_null(False),
    )
    of_product = ibis.window(
        group_by=["account_id", "as_of", "product_id"], order_by=[rows.valid_from_on, rows.subscription_id]
    )
    runs_on = rows.valid_to_on.lag().over(of_product) == rows.valid_from_on
    is_same = (rows.quantity.lag().over(of_product) == rows.quantity) & (
        rows.billing.lag().over(of_product) == rows.billing
    )
    rows = rows.mutate(is_repriced=(runs_on & is_same).fill_null(False))
    return aggregated(rows, CHANGES)
