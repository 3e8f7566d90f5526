"""Is every figure that the weekly list says of an account what its raw rows say? `python -m benchmarks.figures`.

After `make run`: draws accounts of the newest list, reads the figure back out of each of their reasons in English and
Japanese, recomputes it from the raw tables by `benchmarks/by_hand`, which knows the tables and the dictionary of
features and not their code, and compares to half a unit of the last digit shown. So for the median of the plan, or the
share of a category on it, where one is given. Then the same for every row of `reasons.parquet`.

Prints a line for each that differs, and merges into benchmarks/results/reasons.json, in sentences (both languages must
be right): `figures_checked` and `figures_differ`, of them `figures_words_…` that hold words and no figure, and
`figures_rule_read_off` by a rule that no document gives; `figures_medians_…`; `figures_not_by_hand`, which nothing here
recomputes. With `all_`: of every row, not only of what stands on the list of the `figures_accounts` accounts drawn.
`figures_features`: how many features these were.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.by_hand import raw
from benchmarks.by_hand.compared import Found, Reader
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
    """One row per reason: account_id, feature, and what `Found` holds of it."""
    columns = (rows[name] for name in ("account_id", "feature", "text_en", "text_ja"))
    found = [(one[0], one[1], *reader.read(*one)) for one in zip(*columns, strict=True)]
    return pd.DataFrame(found, columns=["account_id", "feature", *Found._fields])


def counts(found: pd.DataFrame, prefix: str) -> dict[str, float]:
    """What is written into the results, each a number of sentences."""
    by_hand = found["is_by_hand"]
    return {
        f"{prefix}checked": int(by_hand.sum()),
        f"{prefix}rule_read_off": int(found["is_read_off"].sum()),
        f"{prefix}differ": int(found["figure"].notna().sum()),
        f"{prefix}words_checked": int(found["is_words"].sum()),
        f"{prefix}words_differ": int((found["is_words"] & found["figure"].notna()).sum()),
        f"{prefix}not_by_hand": int((~by_hand).sum()),
        f"{prefix}medians_checked": int((by_hand & found["has_peers"]).sum()),
        f"{prefix}medians_differ": int(found["peers"].notna().sum()),
    }


def told(found: pd.DataFrame) -> list[str]:
    """A line for each that differs: account, feature, what was said and what was recomputed."""
    return [
        f"{row.account_id} {row.feature}: {which}"
        for row in found.itertuples()
        for which in (row.figure, row.peers)
        if isinstance(which, str)
    ]


def told_in_short(found: pd.DataFrame) -> list[str]:
    """A line for each feature of which sentences differ: how many, and the first."""
    differs = found[found["figure"].notna() | found["peers"].notna()]
    return [
        f"  {len(rows)} of {feature}: {told(rows)[0]}" for feature, rows in differs.groupby("feature", dropna=False)
    ]


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
    page = (asked.run / "docs/features.md").read_text(encoding="utf-8")
    reader = Reader(raw.known(asked.run, pd.Timestamp(manifest["as_of"])), page)

    rng = np.random.default_rng(asked.seed)
    n = min(asked.accounts, len(listed))
    drawn = rng.choice(np.sort(listed["account_id"].to_numpy(dtype=object)), n, replace=False)
    some = compared(on_the_list(listed[listed["account_id"].isin(drawn)], reasons), reader)
    everything = compared(reasons, reader)
    print(f"{len(some)} reasons on the list of {n} accounts", *told(some), sep="\n")
    print(f"{len(everything)} rows of reasons.parquet", *told_in_short(everything), sep="\n")
    n_features = everything.loc[everything["is_by_hand"], "feature"].nunique()
    found = counts(some, "figures_") | counts(everything, "figures_all_")
    found |= {"figures_features": n_features, "figures_accounts": n}
    merge(RESULTS, "figures_", found)
    print(found)


if __name__ == "__main__":
    main()
