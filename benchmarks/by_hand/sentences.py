"""What a reason says, read back out of its words: a figure, the median of the plan, or that there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.by_hand.phrases import NOTHING, ZERO

LANGUAGES = ("en", "ja")
INTERNAL = {"en": " (internal)", "ja": "（社内用）"}
PEERS = {  # what stands behind a figure, and behind a category
    "en": (r" \(median on (?P<plan>.+): (?P<peers>[^:()]+)\)$", r" \((?P<peers>\d+ ?%) on (?P<plan>[^()]+)\)$"),
    "ja": (r"（(?P<plan>[^（）]+)の中央値：(?P<peers>[^（）]+)）$", r"（(?P<plan>[^（）]+)の(?P<peers>\d+%)）$"),
}
# what the model of the limits adds, which is no figure of the account, and events by name, newest first
FORECAST = {"en": r" \(\d+ %: [^()]+\)$", "ja": r"（\d+%の確率で[^（）]+）$"}
EVENTS = {"en": r" \((?P<events>.+ on \d+ \w{3} \d{4})\)$", "ja": r"（(?P<events>\d+年\d+月\d+日に[^（）]+)）$"}
EXTREMES = {"limit_peak": r"limit_\w+_peak_28d", "days_to_limit": r"days_to_limit_\w+"}  # speak through one of these


@dataclass(frozen=True)
class Feature:
    """One row of docs/features.md: a feature, its unit, whether it is for the team alone, its sentence by language."""

    name: str
    unit: str
    is_internal: bool
    sentence: dict[str, re.Pattern[str]]


@dataclass(frozen=True)
class Said:
    """What one sentence says: `figure` as it stands there, of `feature`; or that it is 0, or that there is none.

    `peers` on `plan`: the median, or of a category the share, that stands behind it. `events`: those it names.
    """

    feature: str
    figure: str | None = None
    is_zero: bool = False
    is_nothing: bool = False
    plan: str | None = None
    peers: str | None = None
    events: str | None = None


def features(page: str) -> dict[str, Feature]:
    """The features of docs/features.md by name.

    >>> row = "| `seats` | count | model | Seats bought | {value} seats | 契約シートは{value}席 |"
    >>> features(row)["seats"].sentence["en"].match("1 seat").groups()
    ('1',)
    """
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 6 and cells[0].startswith("`") and not cells[1].startswith("`"):
            name, sentence = cells[0].strip("`"), {"en": _pattern(cells[4], "en"), "ja": _pattern(cells[5], "ja")}
            found[name] = Feature(name, cells[1], "internal" in cells[2].split(), sentence)
    return found


def _pattern(sentence: str, language: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in sentence.split("{value}")]
    if language == "en":  # the page gives the plural
        parts = [re.sub(r"(\w)s\b", r"\1s?", part) for part in parts]
    return re.compile("(.+?)".join(parts) + "$")


def understood(feature: str, text: str, language: str, of: dict[str, Feature]) -> Said | None:
    """What `text` says of `feature`; null where it is none of the sentences that the feature may speak."""
    if text.endswith(INTERNAL[language]) != of[feature].is_internal:
        return None
    text = text.removesuffix(INTERNAL[language])
    if feature in NOTHING and text == getattr(NOTHING[feature], language):
        return Said(feature, is_nothing=True)
    plan = peers = events = None
    if found := re.search(PEERS[language][of[feature].unit == "category"], text):
        text, plan, peers = text[: found.start()], found["plan"], found["peers"]
    text = re.sub(FORECAST[language], "", text)
    if found := re.search(EVENTS[language], text):
        text, events = text[: found.start()], found["events"]
    if feature in ZERO and text == getattr(ZERO[feature], language):
        return Said(feature, is_zero=True, plan=plan, peers=peers)
    speakers: Sequence[str] = (feature,)
    if feature in EXTREMES:
        speakers = [name for name in of if re.fullmatch(EXTREMES[feature], name)]
    for name in speakers:
        if match := of[name].sentence[language].match(text):
            return Said(name, figure=match[1], plan=plan, peers=peers, events=events)
    return None
