"""One sentence on the level of the week's probabilities, where it is not what it was; else none.

The order of the list does not depend on it: all probabilities move together (models/shift.py).
"""

from collections.abc import Mapping
from typing import Any

from data.catalog import Text
from models.shift import Moved


def note(reading: Mapping[str, Any], past: Moved | None) -> Text | None:
    """What matters most: a correction; else scores unlike those of the months that are known; else a rate that moved.

    reading: `models.shift.Reading` of the week's scores as plain values, empty where there was nothing to hold them
    against. past: the latest known months against those before.

    >>> read = {"is_corrected": True, "rate_carried": 0.11, "rate_em": 0.164, "distribution_moved": True}
    >>> note(read, None).en
    'The share of customers who expand seems to have moved from 11% to 16%, and all probabilities were moved with it...
    >>> note({}, None) is None
    True
    """
    if reading and reading["is_corrected"]:
        before, now = f"{reading['rate_carried']:.0%}", f"{reading['rate_em']:.0%}"
        return Text(
            en=f"The share of customers who expand seems to have moved from {before} to {now}, and all probabilities "
            "were moved with it: the order is as it was, the level is an estimate.",
            ja=f"アップセルに至るお客様の割合が{before}から{now}に変わったとみられるため、すべての確率をそれに合わせて補正しました。"
            "順位は変わらず、水準は推定値です。",
        )
    if reading and reading["distribution_moved"]:
        rate = f"{reading['rate_carried']:.0%}"
        return Text(
            en="This week's customers score unlike those of the months whose outcome is known: trust the order more "
            f"than the percentages, which keep the latest known share of {rate}.",
            ja="今週のお客様のスコアの分布は、結果が判明している期間と異なります。確率は直近に判明した割合"
            f"（{rate}）を前提としているため、数値よりも順位を参考にしてください。",
        )
    if past is not None and past.has_moved:
        before, now = f"{past.rate_earlier:.1%}", f"{past.rate_latest:.1%}"
        more = past.rate_latest > past.rate_earlier
        return Text(
            en=f"Customers expand {'more' if more else 'less'} often than they did ({now} of those in the latest known "
            f"months, {before} before), and the probabilities follow.",
            ja=f"アップセルに至るお客様の割合が以前より{'高く' if more else '低く'}なっています"
            f"（判明している直近の期間で{now}、それ以前は{before}）。確率はこの変化を反映しています。",
        )
    return None
