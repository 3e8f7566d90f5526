"""Numbers as people say them, in English and in Japanese."""

import math

from data.catalog import Language
from features.feature import Unit

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def money(value: float, currency: str) -> str:
    """Money without false precision.

    >>> money(1234.5, "EUR"), money(4.256, "EUR"), money(980, "CHF")
    ('€1,234', '€4.26', 'CHF 980')
    """
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{symbol}{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{symbol}{value:,.2f}"


def spoken(value: float, unit: Unit, language: Language, *, currency: str = "") -> str:
    """A value as a reader says it, with its unit.

    >>> spoken(0.923, "share", "en"), spoken(-0.12, "change", "ja"), spoken(1, "days", "en"), spoken(18, "days", "ja")
    ('92 %', '12%減', '1 day', '18日')
    """
    ja = language == "ja"
    if unit == "share":
        return f"{100 * value:.0f}%" if ja else f"{100 * value:.0f} %"
    if unit in ("change", "change_per_week"):
        size = abs(100 * value)
        digits = 0 if size >= 10 or size == 0 else 1
        value = round(value, 2 + digits)  # what rounds to nothing has no direction
        if ja:
            word = "増" if value > 0 else "減" if value < 0 else ""
            return f"{size:.{digits}f}%{word}" if word else "横ばい"
        return f"{100 * value:+.{digits}f} %" if value else "0 %"
    if unit == "days":
        return f"{value:.0f}日" if ja else f"{value:.0f} day{'' if round(value) == 1 else 's'}"
    if unit == "hours":
        if value >= 48:
            return f"{value / 24:.1f}日" if ja else f"{value / 24:.1f} days"
        return f"{value:.0f}時間" if ja else f"{value:.0f} hours"
    if unit == "money":
        return money(value, currency)
    if unit in ("score", "nps", "count"):
        return f"{value:,.0f}"
    if unit == "sentiment":
        words = ("red", "yellow", "green") if language == "en" else ("危険", "要注意", "良好")
        return words[round(value)]
    if unit == "rating":
        return f"{value:.1f}"
    return f"{value:,.0f}" if math.isclose(value, round(value), abs_tol=0.005) else f"{value:,.1f}"


def said(sentence: str, value: float, unit: Unit, language: Language, *, currency: str = "") -> str:
    """A sentence with its value in it: `{value}` as it is spoken, `{s}` for an English plural.

    >>> said("{value} open ticket{s}", 1, "count", "en"), said("{value} open ticket{s}", 2, "count", "en")
    ('1 open ticket', '2 open tickets')
    """
    figure = spoken(value, unit, language, currency=currency)
    return sentence.format(value=figure, s="" if figure == "1" else "s")
