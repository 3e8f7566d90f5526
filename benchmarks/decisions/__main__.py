"""`python -m benchmarks.decisions [--dry] [--preset …]`: regret, and how much more than its rivals it brings.

--dry looks at the development companies only and writes nothing. Otherwise the judged companies that are there are
looked at, and figures go into benchmarks/results/decisions.json, what else stands in there kept.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.decisions import baselines, companies, money, rivals, yardstick
from benchmarks.decisions.companies import Company
from models import months, organic
from models.response import Response
from pipelines.params import Params

OUT = Path("benchmarks/results/decisions.json")
SIZES = (2_500, 5_000, 10_000, 20_000, 40_000)
STANDARD, LARGE = 10_000, 40_000
JUDGED = {"midmarket": (1001, 5), "plg_freemium": (1001, 3), "enterprise": (1001, 3)}
DEVELOPED = {"midmarket": (101, 2), "plg_freemium": (101, 1), "enterprise": (101, 1)}
FRESH = (500, 10)
SEED = 7


def ours(company: Company, n: int, alone: organic.Organic, *, seed: int) -> tuple[float, int]:
    """Money of the product's own choice after learning from about n proposals; and how many there were."""
    log = company.thinned(n, seed)
    model = Response.fit(
        log, company.snapshots, company.catalog, predictors=company.predictors, settings=Params.load().respond,
        seed=SEED, contacts=company.contacts, organic_model=alone,
    )  # fmt: skip
    menu = money.aligned(company.truth, model.menu(company.accounts, company.catalog), ["expected", "harm"])
    net = (menu["expected"] - menu["harm"]).to_numpy() - money.costs(company.truth, company.catalog)
    return money.worth(company.truth, net, company.capacity), len(log)


def judged(folder: Path, knows: Path | None, *, sizes: tuple[int, ...], seed: int, with_rivals: bool) -> dict[str, Any]:
    """Money of every policy in one company."""
    company = companies.read(folder)
    ways, cost = company.truth, money.costs(company.truth, company.catalog)
    start = time.perf_counter()
    found: dict[str, Any] = {"oracle": money.worth(ways, ways["value"].to_numpy(), company.capacity)}

    def tell(name: str, worth: float) -> None:
        found[name] = worth
        share, seconds = worth / found["oracle"], time.perf_counter() - start
        print(f"{folder.name}: {name} {share:.4f} of the oracle, {seconds:.0f} s", flush=True)

    if knows:
        expected = yardstick.expected(knows, company)["knows"].to_numpy()
        tell("yardstick", money.worth(ways, expected, company.capacity))
    tell("rules", baselines.rules(company))
    tell("propensity", baselines.propensity_times_value(company, seed=SEED))
    if with_rivals:
        rows = rivals.Rows(company, company.thinned(STANDARD, seed), seed=SEED)
        for name, learner in rivals.LEARNERS.items():
            tell(f"rival_{name}", money.worth(ways, learner(rows) - cost, company.capacity))
    if sizes:
        wide = months.Months.of(company.snapshots, company.contacts, company.catalog)
        respond = Params.load().respond
        alone = organic.fit(
            company.snapshots, wide, company.catalog, company.predictors, horizon_days=respond.horizon_days,
            max_rows=respond.max_organic_rows, seed=SEED,
        )  # fmt: skip
        for n in sizes:
            worth, found[f"n_{n}"] = ours(company, n, alone, seed=seed)
            tell(f"ours_{n}", worth)
    tell("past", baselines.csms(company))
    return found


def figures(results: list[dict[str, Any]]) -> dict[str, float]:
    """Ratios of one preset from its companies' money: means, and 95 % intervals over three or more."""
    table = pd.DataFrame(results)
    best = table.get("yardstick", table["oracle"])
    by_company = pd.DataFrame(
        {f"regret_curve.{n}": 1 - table[f"ours_{n}"] / best for n in SIZES if f"ours_{n}" in table}
    )
    mine = table.get(f"ours_{STANDARD}", pd.Series(np.nan, index=table.index))
    by_company["regret"] = 1 - mine / best
    if f"ours_{LARGE}" in table:
        by_company["regret_40k"] = 1 - table[f"ours_{LARGE}"] / best
    by_company["regret_omniscient"] = 1 - mine / table["oracle"]
    learners = [str(name) for name in table if str(name).startswith("rival_")]
    for name in learners:
        by_company[f"regret_of.{name.removeprefix('rival_')}"] = 1 - table[name] / best
    by_company["over_rules"] = mine / table["rules"] - 1
    by_company["over_propensity"] = mine / table["propensity"] - 1
    by_company["over_past"] = mine / table["past"]
    told: dict[str, float] = {"n_companies": len(table)}
    for name, values in by_company.items():
        told[str(name)] = round(float(values.mean()), 4)
        if len(values) >= 3:
            error = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
            told[f"{name}_low"], told[f"{name}_high"] = round(values.mean() - error, 4), round(values.mean() + error, 4)
    if learners:
        least = min(told[f"regret_of.{name.removeprefix('rival_')}"] for name in learners)
        told["regret_vs_learners"] = round(told["regret"] / least, 4)
    for n in SIZES:
        if f"n_{n}" in table:
            told[f"n_proposals.{n}"] = int(table[f"n_{n}"].mean())
    return told


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="benchmarks.decisions", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="development companies; writes nothing")
    parser.add_argument("--preset", action="append", choices=sorted(JUDGED))
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--no-rivals", action="store_true")
    given = parser.parse_args()
    written = json.loads(OUT.read_text()) if OUT.is_file() else {}
    for preset in given.preset or sorted(JUDGED):
        folders = companies.there(preset, *(DEVELOPED if given.dry else JUDGED)[preset])
        fresh = companies.there(preset, *FRESH, only_now=True)
        if not folders:
            print(f"{preset}: no company is there; make some with `python -m benchmarks.decisions.worlds`.")
            continue
        knows = yardstick.learnt(preset, fresh) if fresh else None
        results = [
            judged(folder, knows, sizes=tuple(given.sizes), seed=i, with_rivals=not given.no_rivals)
            for i, folder in enumerate(folders)
        ]
        told = {**figures(results), "n_fresh_companies": len(fresh)}
        print(json.dumps({preset: told}, indent=1))
        kept = {k: v for k, v in written.items() if not k.startswith(f"{preset}.")}
        written = {**kept, **{f"{preset}.{name}": value for name, value in told.items()}}
        if not given.dry:
            OUT.parent.mkdir(parents=True, exist_ok=True)
            OUT.write_text(json.dumps(dict(sorted(written.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
