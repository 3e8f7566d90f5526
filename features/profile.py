"""Profile: what kind of company the customer is. These do not move (see data/contract.py)."""

from features.feature import feature

FEATURES = [
    feature(
        "industry", "profile", "category",
        lambda w: w.industry,
        description=("Industry", "業種"),
        sentence=("Industry: {value}", "業種：{value}"),
        nothing=("Industry not known", "業種は不明"),
    ),
    feature(
        "region", "profile", "category",
        lambda w: w.region,
        description=("Region", "地域"),
        sentence=("Region: {value}", "地域：{value}"),
        nothing=("Region not known", "地域は不明"),
    ),
]  # fmt: skip
