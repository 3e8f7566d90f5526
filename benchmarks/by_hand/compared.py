"""A reason beside what is recomputed by hand: does it say, as it is spoken, what the raw tables say?"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from benchmarks.by_hand import events, words
from benchmarks.by_hand.figures import figures, medians
from benchmarks.by_hand.figures_health import RULE_READ_OFF
from benchmarks.by_hand.phrases import NOTHING
from benchmarks.by_hand.raw import Raw
from benchmarks.by_hand.sentences import LANGUAGES, Said, features, understood
from benchmarks.by_hand.spoken import near


class Found(NamedTuple):
    """Of one reason: is it recomputed, is its rule one that no document gives, does it hold words and no figure, has it
    a figure of its peers, and what differs (null: nothing) in its own figure or words and in that of its peers."""

    is_by_hand: bool
    is_read_off: bool = False
    is_words: bool = False
    has_peers: bool = False
    figure: str | None = None
    peers: str | None = None


class Reader:
    """Reads reasons of active accounts, and holds them against figures by hand."""

    def __init__(self, raw: Raw, page: str) -> None:
        """raw: what was known on the list's day. page: docs/features.md."""
        by_hand = figures(raw)
        self.figures = {name: by_hand[name].to_dict() for name in by_hand}
        self.medians = {name: column.to_dict() for name, column in medians(by_hand).items()}
        self.shares = {
            name: by_hand.groupby("plan_id")[name].value_counts(normalize=True, dropna=False).to_dict()
            for name in by_hand.columns[[not pd.api.types.is_numeric_dtype(t) for t in by_hand.dtypes]]
        }
        self.features = features(page)
        self.words = words.of_categories(raw.catalog)
        self.events = events.named(raw)

    def read(self, account: str, feature: object, english: str, japanese: str) -> Found:
        """Hold one reason, in both its languages, against the figures by hand."""
        if not isinstance(feature, str):
            return Found(True, figure=f"said {english!r}, which is none of the account's reasons")
        if feature not in self.figures or feature not in self.features:
            return Found(False)
        figure = peers = None
        saids = []
        for language, text in zip(LANGUAGES, (english, japanese), strict=True):
            said = understood(feature, text, language, self.features)
            if said is None:
                figure = figure or f"said {text!r}, which is not understood"
                continue
            saids.append(said)
            figure = figure or self._of_figure(account, feature, said, text, language)
            peers = peers or self._of_peers(account, said, language)
        has_peers = [said.peers is not None for said in saids]
        if len(set(has_peers)) == 2:
            peers = peers or "peers in one language only"
        is_read_off = any({feature, said.feature} & {*RULE_READ_OFF} for said in saids)
        is_words = any(said.figure is None or said.feature in self.words["en"] | self.shares for said in saids)
        return Found(True, is_read_off, is_words, any(has_peers), figure, peers)

    def _of_figure(self, account: str, feature: str, said: Said, text: str, language: str) -> str | None:
        value = self.figures[feature].get(account)
        if said.is_nothing:
            belied = self.figures[NOTHING[feature].unless or feature].get(account)
            return None if pd.isna(belied) else f"said {text!r}, recomputed {belied:.6g}"
        if said.is_zero:
            return None if value == 0 else f"said {text!r}, recomputed {value}"
        for other in (value, self.figures[said.feature].get(account)):  # of an extreme, both
            if not self._agrees(said, other, language):
                return f"said {said.figure!r}, recomputed {other}"
        named = self.events.get((said.feature, language), {}).get(account)
        return None if said.events == named else f"said {said.events!r}, recomputed {named!r}"

    def _agrees(self, said: Said, value: object, language: str) -> bool:
        if said.figure is None or pd.isna(value):  # type: ignore[call-overload]
            return False
        if said.feature in self.words[language]:
            return said.figure == self.words[language][said.feature].get(value)
        if isinstance(value, str):
            return said.figure == value
        return near(said.figure, float(value), self.features[said.feature].unit, language)  # type: ignore[arg-type]

    def _of_peers(self, account: str, said: Said, language: str) -> str | None:
        if said.peers is None:
            return None
        plan = self.figures["plan_id"][account]
        name, unit = self.words[language]["plan_id"][plan], self.features[said.feature].unit
        if said.plan != name:
            return f"said of {said.plan}, is on {name}"
        if unit == "category":
            value = self.shares[said.feature][plan, self.figures[said.feature][account]]
            agrees = near(said.peers.replace(" ", ""), value, "share", "ja")
        else:
            value = self.medians[said.feature][plan]
            agrees = near(said.peers, value, unit, language)
        return None if agrees else f"said {said.peers!r} for its peers on {name}, recomputed {value:.6g}"
