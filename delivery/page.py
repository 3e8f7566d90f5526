"""The list as one page that works offline: everything is inside it, and it asks nobody for anything.

Texts of people (names, reasons, talk tracks) reach the browser as JSON and are put on the page by `textContent` only,
so a name that looks like HTML is shown as it is spelled. The content security policy names the hashes of the page's own
script and style: nothing else can run, and nothing can be fetched.
"""

import base64
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from data.catalog import Catalog, Language, Offer, Text
from delivery import labels
from delivery.beside import Beside
from delivery.outputs import BASE
from delivery.page_cards import cards
from delivery.sentences import Phrase, Sentences
from delivery.summary import Summary, at_a_glance, renews_soon, shown
from delivery.words import LOWERS, RAISES

HERE = Path(__file__).parent  # the template stands beside this file, as code does
MOST_REASONS = 8  # of an account, on the page; the rest is one bar, so that the bars still add up
NOTHING_BESIDE = Beside()


def rounded_to_sum(values: Sequence[float], total: int) -> list[int]:
    """Whole numbers within 1 of `values` that sum to `total`, which must be the values' sum, rounded.

    Largest remainders (Hamilton's apportionment): what is shown adds up for a reader who checks it by hand.

    >>> rounded_to_sum([1.4, 1.4, 1.2], 4)
    [2, 1, 1]
    """
    whole = [math.floor(value) for value in values]
    missing = total - sum(whole)
    by_remainder = sorted(range(len(values)), key=lambda i: (whole[i] - values[i], i))
    for i in by_remainder[:missing]:
        whole[i] += 1
    return whole


def page(
    ranked: pd.DataFrame,
    reasons: pd.DataFrame,
    candidates: pd.DataFrame,
    triggers: pd.DataFrame,
    *,
    catalog: Catalog,
    language: Language,
    summary: Summary,
    beside: Beside = NOTHING_BESIDE,
    crm_url: str = "",
) -> str:
    """The page's HTML, from the four tables of contract.md section 3, in both languages, beginning with `language`.

    crm_url: the pattern of an account's address in the CRM (delivery/crm.py); empty: no links. Accounts held out are
    not in it at all. Same tables, same bytes.
    """
    script = (HERE / "page.js").read_text(encoding="utf-8")
    style = (HERE / "page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
    )
    return environment.get_template("page.html.j2").render(
        language=language,
        title=f"{summary.company} · {labels.PAGE['title'][language]}",
        words={name: text[language] for name, text in labels.PAGE.items()},
        script=Markup(script),  # noqa: S704  our own file
        style=Markup(style),  # noqa: S704  our own file
        script_hash=_hash(script),
        style_hash=_hash(style),
        content=_embedded(
            _content(
                ranked,
                reasons,
                candidates,
                triggers,
                catalog=catalog,
                language=language,
                summary=summary,
                beside=beside,
                crm_url=crm_url,
            )
        ),
    )


def _hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _embedded(content: dict[str, Any]) -> Markup:
    """JSON that cannot end its own script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  escaped on the line above


def _content(
    ranked: pd.DataFrame,
    reasons: pd.DataFrame,
    candidates: pd.DataFrame,
    triggers: pd.DataFrame,
    *,
    catalog: Catalog,
    language: Language,
    summary: Summary,
    beside: Beside,
    crm_url: str,
) -> dict[str, Any]:
    accounts = shown(ranked)
    sentences = Sentences()
    place = {account: i for i, account in enumerate(accounts["account_id"])}
    as_of = pd.Timestamp(summary.as_of)
    gates = sorted(set(pd.concat([accounts["blocked_by"], candidates["blocked_by"]]).dropna()))
    why, top = _reasons(accounts, reasons, place, sentences, language)
    return {
        "language": language,
        "company": summary.company,
        "asOf": str(summary.as_of),
        "horizon": summary.horizon_days,
        "model": summary.model_version,
        "currency": catalog.currency,
        "auc": None if summary.auc is None else [summary.auc, summary.auc_low, summary.auc_high],
        "hasSignal": summary.has_signal,
        "warnings": [_both(text) for text in summary.warnings],
        "glance": asdict(at_a_glance(ranked)),
        "words": {name: _both(text) for name, text in labels.PAGE.items()},
        "columns": _all_both(labels.COLUMNS),
        "bands": _all_both(labels.BANDS),
        "segments": _all_both(labels.SEGMENTS),
        "stages": _all_both(labels.STAGES),
        "channels": _all_both(labels.CHANNELS),
        "movements": _all_both(labels.MOVEMENTS),
        "assignments": _all_both(labels.ASSIGNMENTS),
        "gates": [_both(labels.GATES[g].name if g in labels.GATES else labels.spelled(g)) for g in gates],
        "plans": {plan.id: _both(plan.name) for plan in catalog.plans},
        "offers": [_offer(offer) for offer in catalog.offers],
        "capacity": [_both(text) for text in summary.capacity],
        "accounts": _accounts(accounts, gates, catalog, as_of, sentences, language, beside.unblock),
        "crm": crm_url,
        **cards(accounts["account_id"].tolist(), beside, as_of, sentences),
        "top": top,
        "why": why,
        "when": _triggers(triggers, place, as_of, sentences),
        "else": _candidates(candidates, place, gates, catalog),
        "sentences": sentences.kept,  # last: filled by all of the above
    }


def _both(text: Text) -> list[str]:
    return [text.en, text.ja]


def _all_both(words: dict[str, Text]) -> dict[str, list[str]]:
    return {name: _both(text) for name, text in words.items()}


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.id,
        "name": _both(offer.name),
        "help": offer.is_help,
        "approver": _both(offer.discounts.approver) if offer.discounts.approver else None,
        "roi": [offer.roi.hours_saved_per_active_user_per_month, offer.roi.hourly_wage] if offer.roi else None,
        "steps": [[_both(step.who), _both(step.what), step.within_days] for step in offer.playbook],
        "say": _both(offer.talk_track) if offer.talk_track else None,
        # The list does not know an account's industry: only proof that fits all industries can be shown.
        "proof": [[proof.segment, _both(proof.text)] for proof in offer.proof if proof.industry is None],
    }


def _accounts(
    accounts: pd.DataFrame,
    gates: Sequence[str],
    catalog: Catalog,
    as_of: pd.Timestamp,
    sentences: Sentences,
    language: Language,
    unblocked: Mapping[str, Text],
) -> dict[str, list[Any]]:
    """The list by columns. Days are counted from `as_of`; probabilities are in thousandths."""
    offers = {offer.id: i for i, offer in enumerate(catalog.offers)}
    blocked = _plain(accounts["blocked_by"])
    unblock = [
        None
        if gate is None and text is None
        else sentences.add(unblocked.get(account) or _would_unblock(gate, text, language))
        for account, gate, text in zip(accounts["account_id"], blocked, _plain(accounts["would_unblock"]), strict=True)
    ]
    return {
        "rank": _plain(accounts["rank"]),
        "id": _plain(accounts["account_id"]),
        "name": _plain(accounts["account_name"]),
        "owner": _plain(accounts["owner_id"]),
        "segment": _plain(accounts["segment"]),
        "plan": _plain(accounts["plan_id"]),
        "mrr": _rounded(accounts["mrr"]),
        "renews": _days(accounts["renews_on"], as_of),
        "renewsSoon": renews_soon(accounts).tolist(),
        "stage": _plain(accounts["lifecycle_stage"]),
        "health": _rounded(accounts["health_score"]),
        "band": _plain(accounts["health_band"]),
        "p": _rounded(accounts["propensity"], 1000),
        "stars": _plain(accounts["stars"]),
        "offer": [None if offer is None else offers[offer] for offer in _plain(accounts["offer_id"])],
        "channel": _plain(accounts["channel"]),
        "discount": _plain(accounts["discount_pct"]),
        "approval": _plain(accounts["approval"]),
        "accept": _rounded(accounts["p_accept"], 1000),
        "organic": _rounded(accounts["p_organic"], 1000),
        "arr": _rounded(accounts["expected_arr"]),
        "by": _days(accounts["contact_by_on"], as_of),
        "blocked": [None if gate is None else gates.index(gate) for gate in blocked],
        "unblock": unblock,
        "movement": _plain(accounts["movement"]),
        "moved": _plain(accounts["movement_ranks"]),
        "list": _plain(accounts["assignment"]),
    }


def _would_unblock(gate: str | None, text: str | None, language: Language) -> Text:
    """The list's own sentence in its language; in the other, or where it has none, what the gate asks for."""
    fixed = labels.GATES[gate].would_unblock if gate in labels.GATES else Text(en=text or "", ja=text or "")
    if not text:
        return fixed
    return Text(en=text, ja=fixed.ja) if language == "en" else Text(en=fixed.en, ja=text)


def _reasons(
    accounts: pd.DataFrame, reasons: pd.DataFrame, place: dict[str, int], sentences: Sentences, language: Language
) -> tuple[list[list[Any]], list[list[Phrase]]]:
    """Per account [base, rest, how many in the rest, [[points, sentence, number, …], …]] and its
    first reasons [[mark, sentence, …].

    Points are in tenths of a percentage point and sum to the propensity as it is shown.
    """
    rows = reasons[reasons["account_id"].isin(place)].sort_values(["account_id", "feature"])  # sums in one order
    is_base = rows["feature"] == BASE
    base = rows[is_base].groupby("account_id")["points"].sum()
    bars = _bars(rows[~is_base])
    total = bars.groupby("account_id")["points"].sum()
    count = bars.groupby("account_id")["n"].sum()
    said = _said_first(accounts)
    texts = zip(bars["account_id"], bars[f"text_{language}"], strict=True)
    bars = bars.assign(size=bars["points"].abs(), is_said=[text in said[account] for account, text in texts])
    by_size = ["account_id", "size", "text_en"]
    bars = bars.sort_values(
        ["account_id", "is_said", *by_size[1:]], ascending=[True, False, False, True], kind="stable"
    )
    kept = bars.groupby("account_id").head(MOST_REASONS)
    kept = kept.sort_values(by_size, ascending=[True, False, True], kind="stable")
    n_kept = kept.groupby("account_id")["n"].sum()
    by_account: dict[str, list[tuple[float, Phrase]]] = {account: [] for account in place}
    phrase_of: dict[tuple[str, str], Phrase] = {}
    columns = (_plain(kept[name]) for name in ("account_id", "points", "text_en", "text_ja"))
    for account, points, en, ja in zip(*columns, strict=True):
        phrase = sentences.add(Text(en=en, ja=ja))
        by_account[account].append((points, phrase))
        phrase_of[account, ja if language == "ja" else en] = phrase
    why: list[list[Any]] = []
    top: list[list[Phrase]] = []
    for account, propensity in zip(accounts["account_id"], accounts["propensity"], strict=True):
        mine = by_account[account]
        rest = float(total.get(account, 0.0)) - sum(points for points, _ in mine)
        exact = [float(base.get(account, 0.0)), *(points for points, _ in mine), rest]
        tenths = rounded_to_sum([1000 * points for points in exact], round(1000 * propensity))
        n_rest = int(count.get(account, 0)) - int(n_kept.get(account, 0))
        why.append([tenths[0], tenths[-1], n_rest, [[t, *m[1]] for t, m in zip(tenths[1:-1], mine, strict=True)]])
        # A reason that is no row of `reasons` stands as it is, in the one language that it has.
        spoken = said[account].items()
        top.append([[mark, *(phrase_of.get((account, t)) or sentences.add(Text(en=t, ja=t)))] for t, mark in spoken])
    return why, top


def _bars(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per account × sentence: features that say the same in words are one bar, as long as their sum.

    `n` counts the features. One that has no sentence speaks by its name.
    """
    spelled = {feature: labels.spelled(feature).en for feature in rows["feature"].unique()}
    name = rows["feature"].map(spelled)
    rows = rows.assign(text_en=rows["text_en"].fillna(name), text_ja=rows["text_ja"].fillna(name))
    bars = rows.groupby(["account_id", "text_en", "text_ja"], sort=True)["points"].agg(["sum", "size"])
    return bars.reset_index().rename(columns={"sum": "points", "size": "n"})


def _said_first(accounts: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Per account {text: mark}: the first two reasons of the list that speak for it, else its first, marked."""
    columns = [_plain(accounts[f"reason_{n}"]) for n in range(1, 6)]
    said: dict[str, dict[str, str]] = {}
    for account, *texts in zip(accounts["account_id"], *columns, strict=True):
        given = [text for text in texts if text]
        speak_for = [text.removeprefix(RAISES) for text in given if not text.startswith(LOWERS)]
        speak_against = {text.removeprefix(LOWERS): LOWERS for text in given[:1]}
        said[account] = dict.fromkeys(speak_for[:2], "") or speak_against
    return said


def _triggers(
    triggers: pd.DataFrame, place: dict[str, int], as_of: pd.Timestamp, sentences: Sentences
) -> list[list[Any]]:
    """Per account [[day, sentence, number, …], …], the newest first; days are counted from `as_of`."""
    fired: list[list[Any]] = [[] for _ in place]
    mine = triggers[triggers["account_id"].isin(place)]
    days = _days(mine["fired_on"], as_of)
    columns = [_plain(mine[c]) for c in ("account_id", "trigger", "evidence_en", "evidence_ja")]
    for day, account, _, en, ja in sorted(zip(days, *columns, strict=True), key=lambda row: (-row[0], *row[1:])):
        fired[place[account]].append([day, *sentences.add(Text(en=en, ja=ja))])
    return fired


def _candidates(
    candidates: pd.DataFrame, place: dict[str, int], gates: Sequence[str], catalog: Catalog
) -> list[list[Any]]:
    """Per account [[offer, gate] or [offer, null, accept, organic, value], …]: allowed ones first, best first."""
    offers = {offer.id: i for i, offer in enumerate(catalog.offers)}
    gate_at = {gate: i for i, gate in enumerate(gates)}
    considered: list[list[Any]] = [[] for _ in place]
    mine = candidates[candidates["account_id"].isin(place)]
    mine = mine.assign(is_blocked=~mine["is_allowed"].astype(bool)).sort_values(
        ["account_id", "is_blocked", "rank", "priority", "offer_id"], ascending=[True, True, True, False, True]
    )
    plain: Iterable[tuple[Any, ...]] = zip(
        _plain(mine["account_id"]),
        _plain(mine["offer_id"]),
        _plain(mine["is_blocked"]),
        _plain(mine["blocked_by"]),
        _rounded(mine["p_accept"], 1000),
        _rounded(mine["p_organic"], 1000),
        _rounded(mine["value"]),
        strict=True,
    )
    for account, offer, is_blocked, gate, accept, organic, value in plain:
        row = [offers[offer], gate_at.get(gate, -1)] if is_blocked else [offers[offer], None, accept, organic, value]
        considered[place[account]].append(row)
    return considered


def _plain(column: pd.Series) -> list[Any]:
    """The column's values as JSON knows them; null for every kind of missing."""
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _rounded(column: pd.Series, times: int = 1) -> list[int | None]:
    return [None if value is None else round(times * float(value)) for value in _plain(column)]


def _days(column: pd.Series, as_of: pd.Timestamp) -> list[Any]:
    """Whole days from `as_of`."""
    days = (pd.to_datetime(column) - as_of).dt.days
    return [None if value is None else int(value) for value in _plain(days)]
