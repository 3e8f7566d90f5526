"""The nearest change that would open what blocks an account, in words: how much of what, or how long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.catalog import Catalog, Language
from delivery import labels
from delivery.figures import spoken
from features.feature import Feature, Unit

CONDITIONS = ("not_eligible", "not_applicable", "not_suitable")
CHANCES: dict[str, Unit] = {"uplift": "share", "propensity": "share"}  # columns of the list that are no features


@dataclass(frozen=True)
class Wording:
    """What is needed to say it: the features, what is sold, and the reader's language."""

    named: Sequence[Feature]
    catalog: Catalog
    language: Language

    def of(self, row: Mapping[Any, Any]) -> str | None:
        """What `unblock_…` of one row of decisions say of its `blocked_by`; None where nothing blocks it."""
        gate = row["blocked_by"]
        if not isinstance(gate, str):
            return None
        ja = self.language == "ja"
        if isinstance(awaited := row.get("unblock_offer_id"), str):
            offer, other = self._offer(row["closest_offer_id"]), self._offer(awaited)
            return f"{offer}：先に「{other}」のご返答をいただく" if ja else f"{offer}: get an answer to “{other}” first"
        days = _number(row, "unblock_days")
        wait = None if days is None else f"あと{days:.0f}日待つ" if ja else f"wait {spoken(days, 'days', 'en')}"
        more = self._amount(row, gate)
        if more and wait:
            return f"{more}、または{wait}" if ja else f"{more}, or {wait}"
        if more or wait:
            return more or (wait[0].upper() + wait[1:] if wait else None)
        words = labels.GATES.get(gate)
        return words.would_unblock[self.language] if words else None

    def _amount(self, row: Mapping[Any, Any], gate: str) -> str | None:
        """The feature, how it stands and how it would have to; None where there is no such figure."""
        name, wanted = row["unblock_feature"], _number(row, "unblock_target")
        if not isinstance(name, str) or wanted is None or gate == "not_eligible":
            return None
        feature = next((f for f in self.named if f.name == name), None)
        if feature is None and name not in CHANCES:
            return None
        unit = feature.unit if feature else CHANCES[name]
        if unit == "sentiment":
            return None  # a mood is no amount; the gate's own words say what to do
        label = (feature.description if feature else labels.COLUMNS[name])[self.language]
        of_offer, units = gate in CONDITIONS or gate == "no_gain", self._units(row)
        is_inner = bool(units) or not of_offer
        text = self._bound(label, _number(row, "unblock_now"), wanted, unit, is_inner=is_inner)
        if of_offer:
            if units:
                text = f"{units}（{text}）" if self.language == "ja" else f"{units} ({text})"
            return self._of_offer(row, text)
        words = labels.GATES.get(gate)
        if words is None:
            return text
        return f"{words.would_unblock.ja}（{text}）" if self.language == "ja" else f"{words.would_unblock.en} ({text})"

    def _bound(self, label: str, now: float | None, wanted: float, unit: Unit, *, is_inner: bool) -> str:
        target = spoken(wanted, unit, self.language, currency=self.catalog.currency)
        if now is None:
            return f"{label}が不明" if self.language == "ja" else f"{label} is not known"
        have = spoken(now, unit, self.language, currency=self.catalog.currency)
        if unit in ("change", "change_per_week"):  # of a fall, "or more" would be read as a deeper one
            better = f"{label}が{target}より改善" if self.language == "ja" else f"{label}: better than {target}"
            tail = f"現在{have}" if self.language == "ja" else f"now {have}"
            if self.language == "ja":
                return f"{better}、{tail}" if is_inner else f"{better}（{tail}）"
            return f"{better}, {tail}" if is_inner else f"{better} ({tail})"
        if self.language == "ja":
            side = "以下" if now > wanted else "以上"
            return f"{label}が{target}{side}、現在{have}" if is_inner else f"{label}が{target}{side}（現在{have}）"
        side = "less" if now > wanted else "more"
        return f"{label}: {target} or {side}" + (f", now {have}" if is_inner else f" (now {have})")

    def _units(self, row: Mapping[Any, Any]) -> str | None:
        """How much is missing of what a metric counts, such as two users; None where it is not known in its unit."""
        missing = _number(row, "unblock_missing")
        metric = next((m for m in self.catalog.metrics if m.id == row.get("unblock_unit")), None)
        if metric is None or missing is None:
            return None
        unit, amount = metric.unit[self.language], f"{missing:,.0f}"
        if self.language == "ja":
            return f"あと{amount}{unit}"
        return f"{amount} more {unit.removesuffix('s') if amount == '1' and unit.islower() else unit}"

    def _of_offer(self, row: Mapping[Any, Any], text: str) -> str:
        """The text behind the offer's name, and how many of its conditions fail beside."""
        ja = self.language == "ja"
        if others := int(_number(row, "unblock_more") or 0):
            text += f"、ほか{others}条件" if ja else f", and {others} more condition{'s' if others > 1 else ''}"
        offer = self._offer(row["closest_offer_id"])
        return f"{offer}：{text}" if ja else f"{offer}: {text}"

    def _offer(self, offer_id: str) -> str:
        return next(offer.name[self.language] for offer in self.catalog.offers if offer.id == offer_id)


def _number(row: Mapping[Any, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or value != value else float(value)
