"""A reason beside what is recomputed by hand: does it say, as it is spoken, what the raw tables say?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.by_hand.phrases import NOTHING
from benchmarks.by_hand.sentences import LANGUAGES, Said, features, number, understood

SENTIMENTS = {"en": ("red", "yellow", "green"), "ja": ("危険", "要注意", "良好")}
BILLING = {"en": {"monthly": "monthly", "annual": "annual"}, "ja": {"monthly": "月払い", "annual": "年払い"}}


class Reader:
    """Reads reasons, and holds them against figures by hand.

    by_hand: one row per account_id, one column per feature. medians: one row per plan_id. page: docs/features.md.
    """

    def __init__(self, by_hand: pd.DataFrame, medians: pd.DataFrame, catalog: dict[str, Any], page: str) -> None:
        """Keep what every reason is held against."""
        self.figures = {name: by_hand[name].to_dict() for name in by_hand}
        self.medians = {name: medians[name].to_dict() for name in medians}
        self.features = features(page)
        self.plans = {language: {p["id"]: p["name"][language] for p in catalog["plans"]} for language in LANGUAGES}

    def differences(
        self, account: str, feature: object, english: str, japanese: str
    ) -> tuple[bool, bool, str | None, str | None]:
        """Of one reason: is it recomputed at all, has it a median, and what differs in its figure and in its median."""
        if not isinstance(feature, str):
            return True, False, f"said {english!r}, which is none of the account's reasons", None
        if feature not in self.figures:
            return False, False, None, None
        figure = median = None
        has_median = []
        for language, text in zip(LANGUAGES, (english, japanese), strict=True):
            said = understood(feature, text, language, self.features)
            if said is None:
                figure = figure or f"said {text!r}, which is not understood"
                continue
            figure = figure or self._of_figure(account, feature, said, text, language)
            has_median.append(said.median is not None)
            if said.median is not None:
                median = median or self._of_median(account, said, language)
        if len(set(has_median)) == 2:
            median = median or "a median in one language only"
        return True, any(has_median), figure, median

    def _of_figure(self, account: str, feature: str, said: Said, text: str, language: str) -> str | None:
        value = self.figures[feature].get(account)
        if said.is_nothing:
            belied = self.figures[NOTHING[feature].unless or feature].get(account)
            return None if pd.isna(belied) else f"said {text!r}, recomputed {belied:.6g}"
        if said.is_zero:
            return None if value == 0 else f"said {text!r}, recomputed {value}"
        others = {self.figures[name].get(account) for name in (feature, said.feature)}  # of an extreme, both
        wrong = [other for other in others if not self._agrees(said, other, language)]
        return f"said {said.figure!r}, recomputed {wrong[0]}" if wrong else None

    def _agrees(self, said: Said, value: Any, language: str) -> bool:
        if said.figure is None or pd.isna(value):
            return False
        unit = self.features[said.feature].unit
        if unit == "category":
            words = {"plan_id": self.plans[language], "billing": BILLING[language]}.get(said.feature, {})
            return said.figure == words.get(value, value)
        if unit == "sentiment":
            return said.figure == SENTIMENTS[language][int(value)]
        return _near(said.figure, float(value), unit, language)

    def _of_median(self, account: str, said: Said, language: str) -> str | None:
        plan = self.figures["plan_id"].get(account)
        name, value = self.plans[language].get(plan), self.medians[said.feature].get(plan)
        if said.plan != name:
            return f"said of {said.plan}, is on {name}"
        assert said.median is not None and value is not None
        if _near(said.median, float(value), self.features[said.feature].unit, language):
            return None
        return f"said {said.median!r} for the median on {name}, recomputed {value:.6g}"


def _near(text: str, value: float, unit: str, language: str) -> bool:
    """Is `value` within half a unit of the last digit of what is said?"""
    read = number(text, unit, language)
    return read is not None and abs(read[0] - value) <= read[1] + 1e-9 * max(1.0, abs(value))
