"""What happened with an account, in words and in two small lines, for whoever is about to call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from data.catalog import Catalog, Text
from delivery import labels
from delivery.figures import spoken

# What happened: a row per event. what, was: ids of the catalogue; before, after: seats, a rank, days until the answer.
EVENTS = (
    "account_id", "on", "kind", "what", "was", "channel", "discount_pct", "answer", "reason", "before", "after",
)  # fmt: skip
LINES = ("account_id", "line", "ago", "value")  # a row per point; ago: months (MRR) or weeks before the newest
MRR, USE = "mrr", "use"
FEWEST = 3  # points that make a line


@dataclass(frozen=True)
class Past:
    """`events` and `lines` of the week's accounts, in the columns above."""

    events: pd.DataFrame
    lines: pd.DataFrame


@dataclass(frozen=True)
class Line:
    """The points of a line, oldest first, and what they are; money is in the catalogue's currency."""

    name: Text
    is_money: bool
    values: tuple[float, ...]


@dataclass(frozen=True)
class Story:
    """What happened, the newest first, each with its day; and the lines."""

    moments: tuple[tuple[pd.Timestamp, Text], ...] = ()
    lines: tuple[Line, ...] = field(default=())


def stories(past: Past, catalog: Catalog) -> dict[str, Story]:
    """By account_id."""
    moments = _moments(past.events, catalog)
    lines = _lines(past.lines, catalog)
    accounts = dict.fromkeys([*moments, *lines])
    return {account: Story(moments.get(account, ()), lines.get(account, ())) for account in accounts}


def _moments(events: pd.DataFrame, catalog: Catalog) -> dict[str, tuple[tuple[pd.Timestamp, Text], ...]]:
    """Changes of terms on one day are one moment, everything else one each."""
    words = _Words(catalog)
    rows = events.sort_values(["account_id", "on"], ascending=[True, False], kind="stable").to_dict("records")
    found: dict[str, list[tuple[pd.Timestamp, Text]]] = {}
    of_terms: dict[tuple[str, pd.Timestamp], int] = {}  # where the moment stands that a day's changes add to
    for row in rows:
        account, on = str(row["account_id"]), pd.Timestamp(row["on"])
        text = words.of({str(name): None if pd.isna(value) else value for name, value in row.items()})
        mine = found.setdefault(account, [])
        if row["kind"] in ("proposed", "listed", "helped"):
            mine.append((on, text))
        elif (account, on) in of_terms:
            place = of_terms[account, on]
            before = mine[place][1]
            mine[place] = (
                on,
                Text(en=f"{before.en}; {text.en[:1].lower()}{text.en[1:]}", ja=f"{before.ja}、{text.ja}"),
            )
        else:
            of_terms[account, on] = len(mine)
            mine.append((on, text))
    return {account: tuple(moments) for account, moments in found.items()}


class _Words:
    """Events in words: ids by their names of the catalogue, or spelled where it no longer has them."""

    def __init__(self, catalog: Catalog) -> None:
        self.offers = {offer.id: offer.name for offer in catalog.offers}
        self.products = {product: found.name for product, found in catalog.products.items()}

    def of(self, e: Mapping[str, Any]) -> Text:
        """One event; what is not known of it is None."""
        what = self.products.get(e["what"]) or labels.spelled(e["what"] or "")
        was = self.products.get(e["was"]) or labels.spelled(e["was"] or "")
        seats = {k: f"{e[k]:,.0f}" if e[k] is not None else "?" for k in ("before", "after")}
        if e["kind"] == "proposed":
            return self._proposed(e)
        if e["kind"] in ("listed", "helped"):
            return self._listed(e)
        if e["kind"] == "billing":
            was, what = (labels.BILLING.get(e[k]) or labels.spelled(e[k] or "") for k in ("was", "what"))
        form = labels.HISTORY[e["kind"]]
        return Text(
            en=form.en.format(what=what.en, was=was.en, **seats), ja=form.ja.format(what=what.ja, was=was.ja, **seats)
        )

    def _proposed(self, e: Mapping[str, Any]) -> Text:
        offer = self.offers.get(e["what"]) or labels.spelled(e["what"])
        channel = labels.CHANNELS.get(e["channel"]) or labels.spelled(e["channel"] or "")
        answer = labels.OUTCOMES.get(e["answer"]) or labels.spelled(e["answer"])
        reason = labels.DECLINE_REASONS.get(e["reason"]) or labels.spelled(e["reason"] or "")
        off = f"{e['discount_pct']:g}%" if e["discount_pct"] else ""
        days = {k: spoken(e["after"], "days", k) for k in ("en", "ja")} if e["after"] is not None else None
        en = f"Proposed “{offer.en}”" + (f" ({channel.en})" if channel.en else "") + (f", {off} off" if off else "")
        en += f": {answer.en}" + (f" after {days['en']}" if days and e["after"] > 0 else "")
        en += f" ({reason.en.lower()})" if reason.en else ""
        ja = f"「{offer.ja}」を提案" + (f"（{channel.ja}）" if channel.ja else "") + (f"、{off}割引" if off else "")
        ja += f"：{answer.ja}" + (f"（{days['ja']}後）" if days and e["after"] > 0 else "")
        ja += f"、理由は{reason.ja}" if reason.ja else ""
        return Text(en=en, ja=ja)

    def _listed(self, e: Mapping[str, Any]) -> Text:
        offer = self.offers.get(e["what"]) or labels.spelled(e["what"] or "")
        form, rank = labels.HISTORY[e["kind"]], f"{e['after']:,.0f}"
        named = {k: f"{sep}{text}" if text else "" for k, sep, text in (("en", ": ", offer.en), ("ja", "：", offer.ja))}
        return Text(en=form.en.format(rank=rank) + named["en"], ja=form.ja.format(rank=rank) + named["ja"])


def _lines(points: pd.DataFrame, catalog: Catalog) -> dict[str, tuple[Line, ...]]:
    names = {MRR: labels.HISTORY["mrr"], USE: labels.HISTORY["use"]}
    for metric in catalog.metrics:
        form = labels.HISTORY["gauge" if metric.kind == "gauge" else "counter"]
        names[metric.id] = Text(
            en=form.en.format(name=metric.name.en[:1].upper() + metric.name.en[1:]),
            ja=form.ja.format(name=metric.name.ja),
        )
    found: dict[str, dict[str, Line]] = {}
    rows = points.dropna(subset=["value"]).sort_values(["account_id", "line", "ago"], ascending=[True, True, False])
    for (account, line), mine in rows.groupby(["account_id", "line"], sort=True):
        values = tuple(float(value) for value in mine["value"])
        if len(values) >= FEWEST and line in names:
            found.setdefault(str(account), {})[str(line)] = Line(names[str(line)], line == MRR, values)
    return {a: tuple(sorted(of.values(), key=lambda line: not line.is_money)) for a, of in found.items()}
