"""A figure as it is spoken, read back as a number and half a unit of the last digit shown."""

from __future__ import annotations

import re

SYMBOL = "€"


def number(text: str, unit: str, language: str) -> tuple[float, float] | None:
    """A figure in the unit of its feature, and half a unit of the last digit shown; null where it is not spoken so.

    >>> number("92 %", "share", "en"), number("4.1%減", "change", "ja"), number("2.0 days", "hours", "en")
    ((0.92, 0.005), (-0.041, 0.0005), (48.0, 1.2))
    >>> number("€1,234", "money", "en"), number("横ばい", "change", "ja"), number("18", "days", "en")
    ((1234.0, 0.5), (0.0, 0.0005), None)
    """
    ja = language == "ja"
    if unit in ("change", "change_per_week"):
        return _change(text, ja)
    if unit == "share":
        ending = "%" if ja else " %"
        return _scaled(text.removesuffix(ending), 0.01) if text.endswith(ending) else None
    if unit in ("days", "hours"):
        return _span(text, unit, ja)
    if unit == "money":
        text = text.removeprefix(SYMBOL) if text.startswith(SYMBOL) else ""
    found = _scaled(text, 1)
    if found and "." not in text and (unit == "number" or (unit == "money" and abs(found[0]) < 100)):
        return found[0], 0.005  # said whole only where it is
    return found


def near(text: str, value: float, unit: str, language: str) -> bool:
    """Is `value` within half a unit of the last digit of what is said?

    >>> near("92 %", 0.923, "share", "en"), near("92 %", 0.931, "share", "en")
    (True, False)
    """
    read = number(text, unit, language)
    return read is not None and abs(read[0] - value) <= read[1] + 1e-9 * max(1.0, abs(value))


def _change(text: str, ja: bool) -> tuple[float, float] | None:
    if text == ("横ばい" if ja else "0 %"):
        return 0.0, 0.0005  # said of less than a tenth of a per cent
    if not ja:
        return _scaled(text.removesuffix(" %"), 0.01) if re.match(r"[+-].* %$", text) else None
    sign = {"増": "+", "減": "-"}.get(text[-1:])
    return _scaled(f"{sign}{text[:-2]}", 0.01) if sign and text[-2:-1] == "%" else None


def _span(text: str, unit: str, ja: bool) -> tuple[float, float] | None:
    days, hours = (r"日", r"時間") if ja else (r" days?", r" hours?")
    if found := re.fullmatch(rf"(.+?){days}", text):
        return _scaled(found[1], 1 if unit == "days" else 24)
    found = re.fullmatch(rf"(.+?){hours}", text)
    return _scaled(found[1], 1) if found and unit == "hours" else None


def _scaled(digits: str, size: float) -> tuple[float, float] | None:
    if not re.fullmatch(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", digits):
        return None
    decimals = len(digits.partition(".")[2])
    return round(float(digits.replace(",", "")) * size, 12), round(0.5 * 10**-decimals * size, 12)
