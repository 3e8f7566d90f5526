"""The model card: what one must know before one uses the model, on a page; its first sentence is the verdict.

After "Model Cards for Model Reporting" (Mitchell et al., 2019): intended use, data, evaluation with its uncertainty,
by group, limits. Everything on it was measured by the run that made the model; nothing on it is typed by hand but what
holds for every such model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.card_time import METRICS, Moving, moved, over_time
from models.markdown import number, table, with_bounds
from models.propensity import Propensity
from models.slices import ALPHA

SYSTEMS: Mapping[str, str] = {
    "ours": "this model", "base_rate": "base rate", "logistic": "logistic regression", "rule_80": "the 80 % rule",
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """What the run was asked to do: facts of its parameters."""

    company: str
    as_of: str
    horizon_days: int
    min_growth: float
    requires_consent: bool


def markdown(
    about: About,
    model: Propensity,
    metrics: Mapping[str, Any],
    backtest: pd.DataFrame,
    slices: pd.DataFrame,
    validation: Mapping[str, Any],
    moving: Moving,
    versions: Mapping[str, str],
) -> str:
    """The card. `metrics` is what stage `evaluate` wrote, `validation` what `ingest` wrote; the tables are the stages'.

    Raises nothing: what was not measured is said so. The same arguments give the same text.
    """
    parts = [
        _head(about, model, metrics),
        _use(about, metrics),
        _data(about, metrics, validation),
        _measured(metrics),
        _certainty(model, metrics),
        over_time(backtest, metrics),
        moved(model, moving),
        _by_slice(slices, metrics),
        _limits(metrics),
        _made(model, versions),
    ]
    return "\n".join(line for part in parts for line in [*part, ""]).rstrip() + "\n"


def _head(about: About, model: Propensity, metrics: Mapping[str, Any]) -> list[str]:
    return [
        str(metrics["verdict"]),
        "",
        f"# Model card: expansion propensity of {about.company}",
        "",
        f"Version `{model.model_version}`, made for the week of {about.as_of}. The probability that an active customer "
        f"account expands within {about.horizon_days} days.",
    ]


def _use(about: About, metrics: Mapping[str, Any]) -> list[str]:
    better = metrics["is_better_than_base_rate"]
    if better:
        first = (
            "Customer-success teams decide whom to talk to first, and about what; data scientists and RevOps audit it."
        )
    elif better is None:
        first = "Nobody yet: it could not be judged. Treat every probability as a guess at the base rate."
    else:
        first = (
            "Nobody, for choosing among accounts: it tells them apart no better than shown above. Read the list as "
            "value at "
            "stake, and bring more history or other tables."
        )
    contact = (
        "accounts without consent to be contacted commercially are never proposed to"
        if about.requires_consent
        else "`gates.requires_consent` is off: whoever contacts accounts must have made sure of consent elsewhere"
    )
    return [
        "## Who may use it, and for what",
        "",
        f"- **For:** {first}",
        "- **Not for:** decisions about individual people (customers' staff, users, CSMs: neither their rating nor "
        "their "
        "pay), prices, contract terms, credit, or refusing service or support. It is about companies' accounts.",
        "- **Not as:** the effect of contacting somebody. It says who is likely to expand, contacted or not as was "
        "the custom; "
        "what an offer adds is estimated apart from it.",
        f"- **Consent:** {contact}.",
    ]


def _data(about: About, metrics: Mapping[str, Any], validation: Mapping[str, Any]) -> list[str]:
    blocks = metrics["blocks"]
    simulated = ["**The company is simulated**: it does not exist, and no figure here is about a real one.", ""]
    rows = [
        [name, f"{b['first_as_of'] or ''} to {b['last_as_of'] or ''}", f"{b['n_rows']:,}", f"{b['n_accounts']:,}",
         f"{b['n_expansions']:,}", number(b["rate"], ".3f")]
        for name, b in blocks.items()
    ]  # fmt: skip
    kept = sum(int(t["kept"]) for t in validation["tables"].values())
    aside = sum(int(t["quarantined"]) for t in validation["tables"].values())
    missing = ", ".join(sorted(validation["missing"])) or "none"
    return [
        "## Data, label and splits",
        "",
        *(simulated if "simulated" in metrics else []),
        f"- **Data:** {len(validation['tables'])} tables, {kept:,} rows kept, {aside:,} in quarantine; missing tables: "
        f"{missing}. One row per account and monthly snapshot; every feature is what was known before the snapshot's "
        "day.",
        f"- **Label:** at the end of {about.horizon_days} days the account is active on a higher tier, or with at "
        "least "
        f"{about.min_growth:.0%} more MRR; a mere price rise does not count; an account that left is a negative.",
        "- **Splits:** by time, a horizon between blocks, so that no label's window reaches into a later block. "
        "Parameters and "
        "calibrator were chosen on later rows than those learnt from; the test block only judges.",
        "",
        *table(["block", "snapshots", "rows", "accounts", "expansions", "rate"], rows),
    ]


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    systems = [name for name in SYSTEMS if name in metrics]
    rows = [
        [title, *(with_bounds(metrics[system][metric], form) for system in systems)]
        for metric, (title, form) in METRICS.items()
    ]
    lines = [
        "## How good it is",
        "",
        f"On the test block, with {metrics['interval']:.0%} intervals from drawing accounts as a whole. Capacity: "
        f"{metrics['capacity']} accounts per snapshot.",
        "",
        *table(["", *(SYSTEMS[name] for name in systems)], rows),
    ]
    money = metrics.get("money_at_capacity", {}).get("ours", {})
    if money and money["captured"]["value"] is not None:
        lines += [
            "",
            f"In money: the {metrics['capacity']} accounts that it puts first brought "
            f"{with_bounds(money['captured'], ',.0f')} more MRR per snapshot within the horizon; as many at random "
            f"{with_bounds(money['random'], ',.0f')}, the best choice in hindsight "
            f"{with_bounds(money['perfect'], ',.0f')}. "
            "This is what came, not what contacting caused.",
        ]
    return lines


def _certainty(model: Propensity, metrics: Mapping[str, Any]) -> list[str]:
    error = metrics["ours"]["calibration_error"]
    lines = [
        "## What a probability means",
        "",
        f"Calibrator: {model.calibrator.kind}, chosen on later rows. Calibration error over ten equal-count bins of "
        "the test "
        f"block: {with_bounds(error, '.4f')}.",
    ]
    if model.interval is None:
        return [*lines, "There were no later rows to learn an interval from, so none is given."]
    low, high = model.bounds(pd.Series([0.1]).to_numpy())
    return [
        *lines,
        "",
        f"`low` and `high` are a {model.interval.level:.0%} interval for the *mean* true probability of accounts with "
        "such a "
        "score in the next block of time: sampling error of boosters and calibrator, and the drift seen between "
        "blocks of "
        f"later rows. A probability of 10 % lies between {low[0]:.1%} and {high[0]:.1%}. It is no interval for one "
        "account's own probability: accounts with one score differ by what nothing in the data tells.",
    ]


def _by_slice(slices: pd.DataFrame, metrics: Mapping[str, Any]) -> list[str]:
    lines = ["## By kind of account", ""]
    if not len(slices):
        return [*lines, "No slices: the features hold none of the columns that would make them."]
    flagged = slices[slices["is_flagged"].astype(bool)]
    named = "; ".join(f"{row.slice} {row.value} ({row.why})" for row in flagged.itertuples())
    n_tested = int(slices["level_p"].notna().sum())
    said = (
        f"Differing from the rest after correction: {named}."
        if len(flagged)
        else "None differs from the rest after correction."
    )
    rows = [
        [row["slice"], str(row["value"]), f"{row['n_rows']:,}", f"{row['n_positive']:,}", f"{row['mean_p']:.3f}",
         with_bounds({"value": row["rate"], "low": row["rate_low"], "high": row["rate_high"]}, ".3f"),
         with_bounds({"value": row["auc"], "low": row["auc_low"], "high": row["auc_high"]}, ".2f"),
         f"**{row['why']}**" if row["is_flagged"] else ("" if pd.notna(row["level_p"]) else "too few")]
        for row in slices.to_dict("records")
    ]  # fmt: skip
    return [
        *lines,
        f"Level and slope of the probabilities of each kind against all others on the test block; {n_tested} of "
        f"{len(slices)} "
        "kinds had enough accounts to be tested. Holm's correction holds the chance of any false flag to "
        f"{ALPHA:.0%}. {said}",
        "",
        *table(["slice", "value", "rows", "expansions", "mean p", "rate", "AUC", "differs in"], rows),
    ]


def _limits(metrics: Mapping[str, Any]) -> list[str]:
    return [
        "## Limits",
        "",
        "- What came by itself and what came because somebody offered are one label: past contacts are in it.",
        "- It knows the past only; after a change of prices, plans or market, probabilities are those of the time "
        "before until "
        "it is retrained and judged again.",
        "- A reason shown for an account is the model's, not the cause of what the account will do.",
        "- Slices without a flag are not proven equal: small ones differ unnoticed.",
        *(
            ["- True probabilities and their comparison exist because the company is simulated; a real one has none."]
            if "simulated" in metrics
            else []
        ),
    ]


def _made(model: Propensity, versions: Mapping[str, str]) -> list[str]:
    facts = model.facts
    parameters = ", ".join(f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                           for name, value in facts.get("parameters", {}).items())  # fmt: skip
    return [
        "## Made with",
        "",
        f"- {len(model.boosters_text)} boosters of {facts.get('rounds', '?')} rounds on {len(model.features)} "
        "features, "
        f"averaged in log-odds; left out: {len(model.vocabulary.dropped)} that say nothing.",
        f"- Parameters: {parameters or 'unknown'}.",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in versions.items())}.",
    ]
