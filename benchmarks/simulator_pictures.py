"""The pictures of docs/simulator.md, drawn from simulated companies: `python -m benchmarks.simulator_pictures`.

Writes docs/img/simulator_*.png. Everything in them is simulated.
"""

from datetime import date
from pathlib import Path

import ibis
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from data.catalog import Catalog
from data.known import calendar
from data.labels import expansion
from data.simulate.catalogs import catalog_of
from data.simulate.company import simulate
from data.simulate.world import PRESETS
from pipelines import paths

FOLDER = Path("docs/img")
ENDS_ON = date(2026, 6, 1)
SHOWN = ("plg_freemium", "midmarket", "enterprise")
BLUE, ORANGE, GREY = "#2a6f97", "#e07a3f", "#8d99a6"


class Company:
    """A preset's tables and truth, 2,000 accounts."""

    def __init__(self, preset: str, project: Catalog) -> None:
        self.preset, self.catalog = preset, catalog_of(preset, project)
        world = PRESETS[preset].model_copy(update={"usage_rate": 0.001})  # use itself is in no picture
        given = {"accounts": 2000, "months": 24, "seed": 7, "ends_on": ENDS_ON}
        parts = list(simulate(self.catalog, world, **given))  # type: ignore[arg-type]
        self.raw = {name: _table([part.raw[name].to_pandas() for part in parts]) for name in parts[0].raw}
        self.truth = {name: _table([part.truth[name].to_pandas() for part in parts]) for name in parts[0].truth}


def _table(frames: list[pd.DataFrame]) -> pd.DataFrame:
    frame = pd.concat(frames, ignore_index=True)
    for column in frame.columns:
        if column.endswith("_on") or column == "as_of":
            frame[column] = pd.to_datetime(frame[column])
    return frame


def running(subscriptions: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The rows that run on the day, as known before it."""
    ends = subscriptions["valid_to_on"]
    return subscriptions[(subscriptions["valid_from_on"] < day) & (ends.isna() | (ends >= day))]


def funnel(company: Company, ax: Axes) -> None:
    """Of the accounts active a year before the end: proposed to, accepted, paying more now, gone."""
    start, end = pd.Timestamp("2025-06-01"), pd.Timestamp(ENDS_ON)
    subscriptions, proposals = company.raw["subscriptions"], company.raw["proposals"]
    then = running(subscriptions, start).groupby("account_id")["mrr"].sum()
    now = running(subscriptions, end).groupby("account_id")["mrr"].sum().reindex(then.index)
    made = proposals[(proposals["proposed_at"] >= start) & (proposals["offer_id"] != "none")]
    bars = {
        "active a year ago": len(then),
        "got a proposal": then.index.isin(made["account_id"]).sum(),
        "accepted one": then.index.isin(made.loc[made["outcome"] == "accepted", "account_id"]).sum(),
        "pay 10 % more today": (now >= 1.1 * then + 0.01).sum(),
        "left": now.isna().sum(),
    }
    y = np.arange(len(bars))[::-1]
    ax.barh(y, list(bars.values()), color=[BLUE] * 4 + [ORANGE])
    for at, value in zip(y, bars.values(), strict=True):
        ax.text(value + 0.01 * len(then), at, f"{value:,} ({100 * value / len(then):.0f} %)", va="center", fontsize=8)
    ax.set(yticks=y, yticklabels=list(bars), xlim=(0, 1.35 * len(then)), title=company.preset, xlabel="accounts")


def cohorts(company: Company, ax: Axes) -> None:
    """MRR of each half-year's sign-ups, relative to what it was three months after the last of them came."""
    signed_up = company.raw["accounts"].set_index("account_id")["signed_up_on"]
    subscriptions = company.raw["subscriptions"]
    born = subscriptions["account_id"].map(signed_up)
    half = born.dt.year * 2 + (born.dt.month > 6)
    began = {h: pd.Timestamp(int(h) // 2, 7 if h % 2 else 1, 1) for h in sorted(half.unique())}
    kept = [h for h, start in began.items() if start < pd.Timestamp("2025-06-01")]
    for i, h in enumerate(kept):
        starts = began[h] + pd.DateOffset(months=9)
        days = pd.date_range(max(starts, pd.Timestamp("2024-07-01")), ENDS_ON, freq="MS")
        mrr = np.array([running(subscriptions[half == h], day)["mrr"].sum() for day in days])
        age = [(day.year - starts.year) * 12 + day.month - starts.month + 9 for day in days]
        label = f"{int(h) // 2} {'second' if h % 2 else 'first'} half"
        ax.plot(age, 100 * mrr / mrr[0], color=plt.get_cmap("viridis")(i / max(len(kept) - 1, 1)), label=label)
    ax.axhline(100, color=GREY, lw=0.8)
    ax.set(title=company.preset, xlabel="months since the half-year began", ylabel="MRR, per cent of the first shown")
    ax.legend(fontsize=7, title="signed up", title_fontsize=7)


def snapshots(company: Company) -> pd.DataFrame:
    """One row per account and snapshot: label, truth, the fullest seats of the four weeks before."""
    found = []
    users = company.raw["meters"].query("metric == 'active_users'")
    plans = {plan.id for plan in company.catalog.plans if plan.price_per_seat > 0}
    for day in pd.date_range("2024-09-01", "2026-03-01", freq="2MS"):
        recent = users[(users["measured_on"] >= day - pd.Timedelta(days=28)) & (users["measured_on"] < day)]
        rows = running(company.raw["subscriptions"], day)
        seats = rows[rows["product_id"].isin(plans)].groupby("account_id")["quantity"].sum()
        full = recent.groupby("account_id")["value"].max() / seats
        found.append(full.dropna().rename("full").reset_index().assign(as_of=day))
    truth = company.truth["expansion"]
    return pd.concat(found).merge(truth, on=["account_id", "as_of"])


def limits(company: Company, ax: Axes) -> None:
    """The probability of expansion by how full the seats are, and how many accounts are there."""
    rows = snapshots(company)
    edges = np.arange(0.3, 1.06, 0.05)
    by = rows.groupby(pd.cut(rows["full"], edges), observed=False)
    middle = edges[:-1] + 0.025
    ax.bar(middle, 100 * by.size() / len(rows), width=0.045, color=GREY, alpha=0.4, label="accounts, per cent")
    ax.plot(middle, 100 * by["p_logged"].mean(), "o-", color=BLUE, label="p_logged, per cent")
    ax.plot(middle, 100 * by["p_no_contact"].mean(), "o--", color=ORANGE, label="p_no_contact, per cent")
    ax.axvline(1, color=GREY, lw=0.8)
    ax.set(title=company.preset, xlabel="active users ÷ seats, highest of four weeks", ylim=(0, None))
    ax.legend(fontsize=7)


def calibration(company: Company, ax: Axes) -> None:
    """How often labels come true that are worked out from the subscriptions alone, by what the truth said."""
    days = pd.date_range("2024-06-01", "2026-03-01", freq="MS").date.tolist()
    subscriptions = company.raw["subscriptions"]
    engine = ibis.duckdb.connect()
    known = engine.create_table("subscriptions", subscriptions.assign(known_on=subscriptions["valid_from_on"]))
    known = known.mutate(
        **{c: known[c].cast("date") for c in ("known_on", "valid_from_on", "valid_to_on", "renews_on")}
    )
    labels = expansion(known, company.catalog, calendar(days), horizon_days=90, min_growth=0.1)
    rows = engine.execute(labels).merge(company.truth["expansion"], on=["account_id", "as_of"])
    by = rows.groupby(pd.qcut(rows["p_logged"], 12, duplicates="drop"), observed=True)
    p, rate, n = by["p_logged"].mean(), by["is_expansion"].mean(), by.size()
    ax.plot([0, p.max()], [0, p.max()], color=GREY, lw=0.8)
    ax.errorbar(p, rate, yerr=1.96 * np.sqrt(rate * (1 - rate) / n), fmt="o", color=BLUE, ms=4)
    ax.set(title=company.preset, xlabel="p_logged, mean of a twelfth", ylabel="share that expanded")


def offers(company: Company, ax: Axes) -> None:
    """What each offer is worth to the paying accounts that may have it, in months of their MRR; whiskers: 5-95 %."""
    response = company.truth["response"]
    first = response[(response["discount_pct"] == 0)].groupby(["account_id", "offer_id"])["value"].max().reset_index()
    mrr = running(company.raw["subscriptions"], pd.Timestamp(ENDS_ON)).groupby("account_id")["mrr"].sum()
    first = first[first["account_id"].map(mrr) > 0]
    first["months"] = first["value"] / first["account_id"].map(mrr)
    names = [offer.id for offer in company.catalog.offers][::-1]
    data = [first.loc[first["offer_id"] == name, "months"].to_numpy() for name in names]
    ax.boxplot(data, orientation="horizontal", whis=(5, 95), showfliers=False, widths=0.6)
    ax.axvline(0, color=ORANGE, lw=1)
    ax.set(title=company.preset, yticklabels=names, xlabel="value ÷ MRR today")
    ax.tick_params(axis="y", labelsize=7)


def main() -> None:
    """Draw them all."""
    project = Catalog.load(paths.CATALOG)
    companies = [Company(preset, project) for preset in SHOWN]
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (funnel, cohorts, limits, calibration, offers):
        figure, axes = plt.subplots(1, len(companies), figsize=(13, 3.8), layout="constrained")
        for company, ax in zip(companies, axes, strict=True):
            draw(company, ax)
            ax.spines[["top", "right"]].set_visible(False)
        figure.savefig(FOLDER / f"simulator_{draw.__name__}.png", dpi=90, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
