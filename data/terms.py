"""The terms in force as of a day: which products an account runs, on what plan, for how many seats and how much."""

import ibis
import ibis.expr.types as ir

from data.catalog import Catalog
from data.known import known
from data.sums import exact_sum


def products(catalog: Catalog) -> ir.Table:
    """One row per product_id of the catalogue: `is_plan`, and the `tier` of a plan (null for an add-on)."""
    plans = {plan.id: plan.tier for plan in catalog.plans}
    ids = list(catalog.products)
    return ibis.memtable(
        {"product_id": ids, "is_plan": [i in plans for i in ids], "tier": [plans.get(i) for i in ids]},
        schema={"product_id": "string", "is_plan": "boolean", "tier": "int64"},
    )


def running(subscriptions: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """One row per (subscription, as_of) that runs as of that day, with `is_plan` and `tier`.

    An end that is not yet past is only planned: as of D, a row that ends on D or later still runs.
    """
    rows = known(subscriptions, as_ofs)
    rows = rows.filter(rows.valid_to_on.isnull() | (rows.valid_to_on >= rows.as_of))
    rows = rows.mutate(valid_to_on=ibis.null("date"), ended_reason=ibis.null("string"))
    rows = rows.join(products(catalog), "product_id")
    return rows.mutate(renews_on=next_renewal(rows))


def next_renewal(row: ir.Table) -> ir.Value:
    """The first renewal on or after as_of: `renews_on` shifted by whole terms (a month, or twelve)."""
    term = (row.billing == "annual").ifelse(12, 1)
    months = (row.as_of.year() - row.renews_on.year()) * 12 + row.as_of.month() - row.renews_on.month()
    whole = (months / term).floor().cast("int64") * term
    this = (row.renews_on + whole.cast("int32").as_interval("M")).cast("date")
    after = (row.renews_on + (whole + term).cast("int32").as_interval("M")).cast("date")
    return (this >= row.as_of).ifelse(this, after)


def state(subscriptions: ir.Table, catalog: Catalog, as_ofs: ir.Table) -> ir.Table:
    """The account's terms. One row per (account_id, as_of) with a running plan, free ones included.

    plan_id: the running plan of the highest tier; seats: the quantities of all running plans; mrr: of all that runs;
    current_discount_pct: mean weighted by MRR; billing and renews_on (the next): of that plan.
    """
    rows = running(subscriptions, catalog, as_ofs)
    order = ibis.window(
        group_by=["account_id", "as_of"],
        order_by=[rows.is_plan.desc(), rows.tier.desc(), rows.known_on.desc(), rows.subscription_id],
    )
    rows = rows.mutate(place=ibis.row_number().over(order))
    top = rows.place == 0
    by_account = rows.group_by("account_id", "as_of").aggregate(
        plan_id=rows.product_id.max(where=top),
        plan_tier=rows.tier.max(),
        billing=rows.billing.max(where=top),
        renews_on=rows.renews_on.max(where=top),
        seats=exact_sum(rows.quantity, where=rows.is_plan),
        mrr=exact_sum(rows.mrr),
        current_discount_pct=exact_sum(rows.discount_pct * rows.mrr) / exact_sum(rows.mrr).nullif(0),
        n_add_ons=rows.product_id.nunique(where=~rows.is_plan),
        add_ons=_add_ons(rows, catalog),
    )
    return by_account.filter(by_account.plan_tier.notnull())


def _add_ons(rows: ir.Table, catalog: Catalog) -> ir.Value:
    """The ids of the add-ons among the rows, in their order, a space between; null where there is none.

    Asked for one by one: not every engine can order what it strings together.
    """
    held = ibis.literal("")
    for add_on in sorted(a.id for a in catalog.add_ons):
        held = held + (rows.product_id == add_on).any().ifelse(f" {add_on}", "")
    return held.strip().nullif("")
