"""Against peers: accounts on the same plan on the same day."""

import ibis
import ibis.expr.types as ir

from features.feature import feature

PEERS = {"group_by": ["as_of", "plan_id"]}


def _rank(value: ir.Value) -> ir.Value:
    return ibis.percent_rank().over(ibis.window(**PEERS, order_by=value))


FEATURES = [
    feature(
        "events_per_seat_28d", "use", "number",
        lambda w: w.events_28d / w.seats.nullif(0),
        description=("Events per seat, last 28 days", "直近28日の1シートあたり操作回数"),
        sentence=("{value} events per seat in 28 days", "直近28日の1シートあたり操作回数は{value}"),
        nothing=("No seats", "シート契約なし"),
        is_actionable=True,
    ),
    feature(
        "use_vs_peers", "use", "share",
        lambda w: _rank(w.events_28d / w.seats.nullif(0)),
        description=("Share of accounts on the same plan that use it less per seat", "1シートあたり利用量が自社より少ない同プラン顧客の割合"),
        sentence=("Uses it more per seat than {value} of accounts on the plan", "1シートあたり利用量は同プランの{value}の顧客を上回る"),
        is_actionable=True,
    ),
    feature(
        "adoption_vs_peers", "adoption", "share",
        lambda w: _rank(w.adoption_rate),
        description=("Share of accounts on the same plan that use fewer of its features", "機能採用率が自社より低い同プラン顧客の割合"),
        sentence=("Uses more of the plan than {value} of accounts on it", "機能採用率は同プランの{value}の顧客を上回る"),
        is_actionable=True,
    ),
]  # fmt: skip
