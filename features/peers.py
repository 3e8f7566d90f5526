"""Against peers: accounts on the same plan on the same day."""

import ibis
import ibis.expr.types as ir

from features.feature import feature


def _rank(w: ir.Table, value: ir.Value) -> ir.Value:
    """Share of the peers that have less, among those of whom it is known; null where it is not known."""
    peers = ibis.window(group_by=[w.as_of, w.plan_id, value.isnull()], order_by=value)
    return value.isnull().ifelse(ibis.null("float64"), ibis.percent_rank().over(peers))


FEATURES = [
    feature(
        "events_per_seat_28d", "use", "number",
        lambda w: w.events_28d / w.seats.nullif(0),
        description=("Events per seat, last 28 days", "直近28日の1シートあたり操作回数"),
        sentence=("{value} events per seat in 28 days", "直近28日の1シートあたり操作回数は{value}回"),
        nothing=("No seats", "シート契約なし"),
        is_actionable=True,
    ),
    feature(
        "use_vs_peers", "use", "share",
        lambda w: _rank(w, w.events_28d / w.seats.nullif(0)),
        description=("Share of accounts on the same plan that use it less per seat", "1シートあたり利用量が自社より少ない同プラン顧客の割合"),
        sentence=("Uses it more per seat than {value} of accounts on the plan", "1シートあたり利用量は同プランの{value}の顧客を上回る"),
        is_actionable=True,
    ),
    feature(
        "adoption_vs_peers", "adoption", "share",
        lambda w: _rank(w, w.adoption_rate),
        description=("Share of accounts on the same plan that use fewer of its features", "機能採用率が自社より低い同プラン顧客の割合"),
        sentence=("Uses more of the plan than {value} of accounts on it", "機能採用率は同プランの{value}の顧客を上回る"),
        is_actionable=True,
    ),
]  # fmt: skip
