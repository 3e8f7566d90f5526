"""Numbers as people say them: rounded as one would, with their unit, never "-0 %"."""

import pytest

from delivery.figures import money, spoken
from features.feature import Unit


@pytest.mark.parametrize(
    ("value", "unit", "en", "ja"),
    [
        (0.0, "share", "0 %", "0%"),
        (0.923, "share", "92 %", "92%"),
        (1.017, "share", "102 %", "102%"),
        (0.35, "change", "+35 %", "35%増"),
        (-0.35, "change", "-35 %", "35%減"),
        (0.054, "change", "+5.4 %", "5.4%増"),
        (0.0, "change", "0 %", "横ばい"),
        (-0.0001, "change", "0 %", "横ばい"),
        (0.0001, "change_per_week", "0 %", "横ばい"),
        (-1.0, "change", "-100 %", "100%減"),
        (0.0, "days", "0 days", "0日"),
        (1.0, "days", "1 day", "1日"),
        (0.6, "days", "1 day", "1日"),
        (18.0, "days", "18 days", "18日"),
        (36.0, "hours", "36 hours", "36時間"),
        (48.0, "hours", "2.0 days", "2.0日"),
        (12_345.0, "count", "12,345", "12,345"),
        (61.6, "score", "62", "62"),
        (4.25, "rating", "4.2", "4.2"),
        (0.0, "sentiment", "red", "危険"),
        (1.0, "sentiment", "yellow", "要注意"),
        (2.0, "sentiment", "green", "良好"),
        (3.0, "number", "3", "3"),
        (3.25, "number", "3.2", "3.2"),
        (1234.5, "money", "€1,234", "€1,234"),
    ],
)
def test_spoken(value: float, unit: Unit, en: str, ja: str) -> None:
    assert spoken(value, unit, "en", currency="EUR") == en
    assert spoken(value, unit, "ja", currency="EUR") == ja


def test_money_knows_its_currency() -> None:
    assert [money(50, c) for c in ("EUR", "USD", "GBP", "JPY", "SEK")] == ["€50", "$50", "£50", "¥50", "SEK 50"]
    assert money(9.5, "EUR") == "€9.50"
