"""Did the account expand? Looks at [as_of, as_of + horizon), and at nothing that features may see."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.sums import exact_sum
from data.terms import running


def expansion(
    subscriptions: ir.Table, catalog: Catalog, as_ofs: ir.Table, *, horizon_days: int, min_growth: float
) -> ir.Table:
    """One row per (account_id, as_of) that is active: `is_expansion`, and `added_mrr`, what it brought a month.

    At as_of + horizon the account is active, and its plan's tier is higher, or its MRR is at least (1 + min_growth)
    times that of as_of (from 0: any paid MRR). For a product whose quantity and billing have not changed, a higher
    price does not count: its MRR enters with no more than it was. An account that left is a negative.
    `added_mrr` is the MRR of as_of + horizon, counted so, less that of as_of; 0 without an expansion, and where a
    higher tier came with less MRR.
    """
    ends = as_ofs.mutate(ends_on=(as_ofs.as_of + ibis.interval(days=horizon_days)).cast("date"))
    before = _by_product(running(subscriptions, catalog, as_ofs))
    after = _by_product(running(subscriptions, catalog, ends.select(as_of=ends.ends_on)))
    after = after.rename(ends_on="as_of").join(ends, "ends_on").drop("ends_on")
    after = after.rename(mrr_after="mrr", quantity_after="quantity", billing_after="billing", tier_after="tier")

    start = before.group_by("account_id", "as_of").aggregate(mrr=exact_sum(before.mrr), tier=before.tier.max())
    start = start.filter(start.tier.notnull())

    rows = after.left_join(before, ["account_id", "as_of", "product_id"])
    is_unchanged = (rows.quantity_after == rows.quantity) & (rows.billing_after == rows.billing)
    counted = is_unchanged.fill_null(False).ifelse(ibis.least(rows.mrr_after, rows.mrr), rows.mrr_after)
    rows = rows.mutate(counted=counted)
    end = rows.group_by("account_id", "as_of").aggregate(
        mrr_end=exact_sum(rows.counted), tier_end=rows.tier_after.max()
    )

    both = start.left_join(end, ["account_id", "as_of"])
    has_grown = (both.mrr > 0).ifelse(both.mrr_end >= both.mrr * (1 + min_growth) - 1e-9, both.mrr_end > 0)
    is_expansion = both.tier_end.notnull() & ((both.tier_end > both.tier) | has_grown)
    is_expansion = is_expansion.fill_null(False)
    more = ibis.greatest(both.mrr_end.fill_null(0.0) - both.mrr, 0.0)
    return both.select("account_id", "as_of", is_expansion=is_expansion, added_mrr=is_expansion.ifelse(more, 0.0))


def _by_product(rows: ir.Table) -> ir.Table:
    """One row per (account_id, as_of, product_id): what runs of each product."""
    return rows.group_by("account_id", "as_of", "product_id").aggregate(
        mrr=exact_sum(rows.mrr), quantity=exact_sum(rows.quantity), billing=rows.billing.max(), tier=rows.tier.max()
    )
