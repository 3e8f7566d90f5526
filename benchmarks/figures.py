"""Is every figure that the weekly list says of an account what its raw rows say? `python -m benchmarks.figures`.

After `make run`: draws accounts of the newest list, reads the figure back out of each of their reasons in English and
Japanese, recomputes it from the raw tables by `benchmarks/by_hand`, which knows the tables and the dictionary of
features and not their code, and compares to half a unit of the last digit shown. So for the median of the plan where
one is given. Then the same for every row of `reasons.parquet`.

Prints a line for each that differs, and merges into benchmarks/results/reasons.json, in sentences (both languages must
be right), `figures_checked`, `figures_differ`, `figures_not_by_hand`, and `figures_medians_…`; with `all_` for every
row, not only those on the list of the accounts drawn; `figures_features`: how many features these were.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.by_hand import raw
from benchmarks.by_hand.compared import Reader
from benchmarks.by_hand.figures import figures, medians
from benchmarks.merged import merge
from pipelines import written

RESULTS = Path("benchmarks/results/reasons.json")
MARKS = ("▲ ", "▼ ")  # what a reason on the list begins with
WEEKLY = Path("reports/weekly")


def on_the_list(listed: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """The rows of `reasons` that stand on the list as reason_1 … reason_5, and a row without a feature for each reason
    that stands there and is none of the account's. Where two rows read the same, the weightier one."""
    said = listed.melt("account_id", [f"reason_{i}" for i in range(1, 6)], value_name="text").dropna(subset="text")
    said["text"] = said["text"].str.removeprefix(MARKS[0]).str.removeprefix(MARKS[1])
    of = pd.concat([reasons.assign(text=reasons[f"text_{language}"]) for language in ("en", "ja")])
    of = of.sort_values("rank").drop_duplicates(["account_id", "text"])
    found = said[["account_id", "text"]].merge(of, how="left", on=["account_id", "text"])
    return found.assign(text_en=found["text_en"].fillna(found["text"]))


def compared(rows: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    """Of each reason what differs: one row per reason, account_id, feature, `figure` and `median` (a sentence that says
    what was said and what was recomputed, null where they agree), has_median, is_by_hand."""
    found = [
        (row.account_id, row.feature, *reader.differences(row.account_id, row.feature, row.text_en, row.text_ja))
        for row in rows.itertuples()
    ]
    return pd.DataFrame(found, columns=["account_id", "feature", "is_by_hand", "has_median", "figure", "median"])


def counts(found: pd.DataFrame, prefix: str) -> dict[str, float]:
    """What is written into the results."""
    return {
        f"{prefix}checked": int(found["is_by_hand"].sum()),
        f"{prefix}differ": int(found["figure"].notna().sum()),
        f"{prefix}not_by_hand": int((~found["is_by_hand"]).sum()),
        f"{prefix}medians_checked": int((found["is_by_hand"] & found["has_median"]).sum()),
        f"{prefix}medians_differ": int(found["median"].notna().sum()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw, recompute, compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=200, help="how many accounts of the list are drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", type=Path, default=Path(), help="the folder of the run, where dvc.yaml lies")
    asked = parser.parse_args(arguments)
    weekly = asked.run / WEEKLY
    manifest = written.read_json(weekly / "manifest.json")
    listed, reasons = (pd.read_parquet(weekly / f"{n}.parquet") for n in ("ranked_accounts", "reasons"))
    reasons = reasons[reasons["text_en"].notna()]
    folder = asked.run / "data/lake/company"
    known = raw.known(folder, asked.run / "catalog.yaml", pd.Timestamp(manifest["as_of"]))
    by_hand = figures(known)
    page = (asked.run / "docs/features.md").read_text(encoding="utf-8")
    reader = Reader(by_hand, medians(by_hand), known.catalog, page)

    rng = np.random.default_rng(asked.seed)
    drawn = rng.choice(np.sort(listed["account_id"].to_numpy(dtype=object)), asked.accounts, replace=False)
    some = compared(on_the_list(listed[listed["account_id"].isin(drawn)], reasons), reader)
    everything = compared(reasons, reader)
    for row in some.itertuples():
        for which in (row.figure, row.median):
            if isinstance(which, str):
                print(f"{row.account_id} {row.feature}: {which}")
    differs = everything[everything["figure"].notna() | everything["median"].notna()]
    print(f"every row of reasons.parquet ({len(everything)}):")
    for feature, rows in differs.groupby("feature"):
        first = rows.iloc[0]
        example = first["figure"] if isinstance(first["figure"], str) else first["median"]
        print(f"  {feature}: {len(rows)}, as {first['account_id']}: {example}")
    n_features = everything.loc[everything["is_by_hand"], "feature"].nunique()
    found = counts(some, "figures_") | counts(everything, "figures_all_") | {"figures_features": n_features}
    merge(RESULTS, "figures_", found | {"figures_accounts": asked.accounts})
    print(found)


if __name__ == "__main__":
    main()
