"""Names of companies that do not exist, from syllables and words."""

import numpy as np
from numpy.typing import NDArray

_HEAD = [
    "Al",
    "Bar",
    "Cor",
    "Del",
    "El",
    "Fen",
    "Gal",
    "Hel",
    "Is",
    "Jor",
    "Kel",
    "Lum",
    "Mar",
    "Nor",
    "Or",
    "Pel",
    "Quor",
    "Ren",
    "Sol",
    "Tor",
    "Um",
    "Vel",
    "Wes",
    "Xan",
    "Yar",
    "Zan",
    "Bri",
    "Cle",
    "Dor",
    "Fal",
]
_MIDDLE = ["a", "e", "i", "o", "u", "ari", "eno", "ida", "olu", "uma", "ane", "iri", "osa", "eta", "ovi"]
_TAIL = [
    "x",
    "n",
    "ris",
    "dan",
    "vek",
    "tis",
    "lor",
    "mar",
    "na",
    "sen",
    "quel",
    "dra",
    "phon",
    "tra",
    "mund",
    "vio",
    "bex",
    "lan",
    "ster",
    "gard",
]
_WORD = [
    "Analytics",
    "Logistics",
    "Foods",
    "Systems",
    "Media",
    "Health",
    "Energy",
    "Works",
    "Labs",
    "Textiles",
    "Finance",
    "Mobility",
    "Partners",
    "Retail",
    "Studios",
    "Tools",
]
_FORM = {
    "EMEA": ("GmbH", "AG", "Ltd", "BV", "SAS", "AB", ""),
    "AMER": ("Inc.", "LLC", "Corp.", "Co.", ""),
    "APAC": ("Pty Ltd", "Pte. Ltd.", "Ltd", ""),
}
_JA_HEAD = [
    "青葉",
    "白浜",
    "北都",
    "南陽",
    "東雲",
    "西嶺",
    "桜川",
    "若杉",
    "高瀬",
    "星野原",
    "大和田",
    "緑ヶ丘",
    "朝霧",
    "海風",
    "山吹",
    "千歳川",
    "瑞雲",
    "紅葉谷",
    "月見",
    "鶴巻",
]
_JA_WORD = [
    "システム",
    "物流",
    "食品",
    "製作所",
    "電機",
    "商事",
    "建設",
    "テクノロジー",
    "印刷",
    "精密",
    "化学",
    "ソリューションズ",
    "薬品",
    "運輸",
    "デザイン",
    "工業",
]
REGIONS = ("EMEA", "AMER", "APAC", "JP")


def company_name(region: str, u: NDArray[np.floating]) -> str:
    """A name that fits the region; u: at least five uniforms.

    >>> company_name("JP", np.array([0.0, 0.0, 0.9, 0.0, 0.9]))
    '株式会社青葉システム'
    """

    def of(words: "list[str] | tuple[str, ...]", i: int) -> str:
        return words[min(int(u[i] * len(words)), len(words) - 1)]

    if region == "JP":
        name = of(_JA_HEAD, 0) + of(_JA_WORD, 1)
        return f"株式会社{name}" if u[2] > 0.4 else f"{name}株式会社"
    word = of(_HEAD, 0) + of(_MIDDLE, 1) + of(_TAIL, 2)
    return " ".join(part for part in (word, of(_WORD, 3) if u[3] > 0.2 else "", of(_FORM[region], 4)) if part)
