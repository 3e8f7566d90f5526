"""What a reason says, read back out of its words: a figure, the median of the plan, or that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.by_hand.phrases import NOTHING, ZERO

LANGUAGES = ("en", "ja")
MEDIAN = {
    "en": re.compile(r"^(?P<text>.*) \(median on (?P<plan>.+): (?P<median>[^:()]+)\)$"),
    "ja": re.compile(r"^(?P<text>.*)（(?P<plan>[^（）]+)の中央値：(?P<median>[^（）]+)）$"),
}
# what the model of the limits adds, which is no figure of the account
NOTE = {"en": re.compile(r" \(\d+ %: [^()]+\)$"), "ja": re.compile(r"（\d+%の確率で[^（）]+）$")}
EXTREMES = {"limit_peak": r"limit_\w+_peak_28d", "days_to_limit": r"days_to_limit_\w+"}  # speak through one of these


@dataclass(frozen=True)
class Feature:
    """One row of docs/features.md: a feature, its unit and its sentence by language."""

    name: str
    unit: str
    sentence: dict[str, re.Pattern[str]]


@dataclass(frozen=True)
class Said:
    """What one sentence says: `figure` as it stands there, of `feature`; or that it is 0, or that there is none."""

    feature: str
    figure: str | None = None
    is_zero: bool = False
    is_nothing: bool = False
    plan: str | None = None
    median: str | None = None


def features(page: str) -> dict[str, Feature]:
    """The features of docs/features.md by name.

    >>> row = "| `seats` | count | model | Seats bought | {value} seats | 契約シートは{value}席 |"
    >>> features(row)["seats"].sentence["en"].match("1 seat").groups()
    ('1',)
    """
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 6 and "{value}" in cells[4] + cells[5] and cells[0].startswith("`"):
            name = cells[0].strip("`")
            found[name] = Feature(name, cells[1], {"en": _pattern(cells[4], "en"), "ja": _pattern(cells[5], "ja")})
    return found


def _pattern(sentence: str, language: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in sentence.split("{value}")]
    if language == "en":  # the page gives the plural
        parts = [re.sub(r"(\w)s\b", r"\1s?", part) for part in parts]
    return re.compile("(.+?)".join(parts) + "$")


def understood(feature: str, text: str, language: str, of: dict[str, Feature]) -> Said | None:
    """What `text` says of `feature`; null where it is none of the sentences that the feature may speak."""
    if feature in NOTHING and text == getattr(NOTHING[feature], language):
        return Said(feature, is_nothing=True)
    plan = median = None
    if found := MEDIAN[language].match(text):
        text, plan, median = found["text"], found["plan"], found["median"]
    text = NOTE[language].sub("", text)
    if feature in ZERO and text == getattr(ZERO[feature], language):
        return Said(feature, is_zero=True, plan=plan, median=median)
    speakers: Sequence[str] = (feature,)
    if feature in EXTREMES:
        speakers = [name for name in of if re.fullmatch(EXTREMES[feature], name)]
    for name in speakers:
        if name in of and (match := of[name].sentence[language].match(text)):
            return Said(name, figure=match[1], plan=plan, median=median)
    return None


def number(text: str, unit: str, language: str) -> tuple[float, float] | None:
    """A figure in the unit of its feature, and half a unit of the last digit shown; null where it is not spoken so.

    >>> number("92 %", "share", "en"), number("4.1%減", "change", "ja"), number("2.0 days", "hours", "en")
    ((0.92, 0.005), (-0.041, 0.0005), (48.0, 1.2))
    >>> number("€1,234", "money", "en"), number("横ばい", "change", "ja"), number("18", "days", "en")
    ((1234.0, 0.5), (0.0, 0.0005), None)
    """
    ja = language == "ja"
    if unit in ("change", "change_per_week"):
        if text == ("横ばい" if ja else "0 %"):
            return 0.0, 0.0005  # said of less than a tenth of a per cent
        if ja:
            sign = {"増": "+", "減": "-"}.get(text[-1:])
            return _scaled(f"{sign}{text[:-2]}", 0.01) if sign and text.endswith(("%増", "%減")) else None
        return _scaled(text[:-2], 0.01) if text.endswith(" %") and text[0] in "+-" else None
    if unit == "share":
        return _scaled(text.removesuffix("%" if ja else " %"), 0.01) if text.endswith("%" if ja else " %") else None
    if unit in ("days", "hours"):
        units = {"日": 1, "時間": 1 / 24} if ja else {" days": 1, " day": 1, " hours": 1 / 24}
        for ending, size in units.items():
            if text.endswith(ending):
                return _scaled(text.removesuffix(ending), size if unit == "days" else round(size * 24))
        return None
    if unit == "money":
        text = text.removeprefix("€") if text.startswith("€") else ""
    found = _scaled(text, 1.0)
    if found and "." not in text and (unit == "number" or (unit == "money" and abs(found[0]) < 100)):
        return found[0], 0.005  # said whole only where it is
    return found


def _scaled(digits: str, size: float) -> tuple[float, float] | None:
    if not re.fullmatch(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?|[+-]?\d+(\.\d+)?", digits):
        return None
    decimals = len(digits.partition(".")[2])
    return round(float(digits.replace(",", "")) * size, 12), round(0.5 * 10**-decimals * size, 12)
