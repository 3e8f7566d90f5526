"""Stage `deliver`: the list in people's hands.

Reads   decisions, candidates, contributions, current, triggers, limits, metrics, scores/shift.json, what
        peers took, what one more of the team's time is worth, the response, the staged tables for what happened before
Writes  reports/weekly/: ranked_accounts as Parquet, CSV and Excel, the page, reasons, candidates, triggers, manifest;
        reports/top_100.csv, for git
        reports/weekly/run.json, which differs between clones and is no DVC output
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.catalog import Catalog, Text
from data.known import calendar, known
from delivery import base_rate, happened, intervals, manifest, outputs, together, words
from delivery.beside import Beside
from delivery.capacity import worth_of_more
from delivery.history import Past
from delivery.listing import ranked_accounts
from delivery.moved import moved_by
from delivery.page import page
from delivery.spreadsheet import to_csv
from delivery.summary import Summary
from delivery.workbook import workbook
from features.build import dictionary
from features.triggers import triggers as all_triggers
from models.propensity import Propensity
from models.response import Response
from pipelines import history, lake, paths, stage, tables, tracking, whence, written
from pipelines.cards import with_cards
from pipelines.params import Params

WORTH_A_WARNING = 0.005  # of a table's rows in quarantine: a slip or two need not trouble a CS lead
NOT_JUDGED = Text(
    en="This model was not judged on the data of this folder's metrics, so how well it tells accounts apart is not "
    "known here.",
    ja="このモデルは、このフォルダの評価指標のデータでは評価されていません。見分ける精度はここでは分かりません。",
)
ONE_CLASS = Text(
    en="The weeks kept for judging hold only accounts that expanded, or only ones that did not: how well this model "
    "tells accounts apart could not be measured. Take its probabilities for guesses.",
    ja="評価用の期間に、アップセルに至ったお客様と至らなかったお客様の両方がそろわなかったため、見分ける精度は測定できませんでした。"
    "確率は目安としてご覧ください。",
)
ROOMS = ("data", "features", "models", "decisions", "delivery", "pipelines")


def delivered(
    params: Params,
    catalog: Catalog,
    model: Propensity,
    *,
    current: pd.DataFrame,
    contributions: pd.DataFrame,
    offered: pd.DataFrame,
    decisions: pd.DataFrame,
    fired: pd.DataFrame,
    limits: pd.DataFrame,
    summary: Summary,
    took: pd.DataFrame,
    life_events: pd.DataFrame | None,
    response: Response,
    lately: pd.DataFrame,
    past: Past | None,
    previous: pd.DataFrame | None = None,
) -> dict[str, bytes]:
    """Every file of the week by its name, but for the manifest.

    took: what accounts like each one took (stage `combine`); lately: what each took itself (stage `decide`). past: what
    happened with them, None where it was not kept. previous: `reasons` of the last list.
    """
    named = dictionary(catalog, params.health, params.lifecycle)
    language = params.run.language
    notes = {
        **intervals.notes(limits, coverage=params.forecast.coverage, horizon_days=params.forecast.horizon_days),
        **happened.notes(life_events, params.run.as_of),
    }
    reasons = words.reasons(contributions, current, named, catalog, notes)
    triggers = words.evidence(fired, named, all_triggers(params.triggers, catalog), catalog, notes)
    ranked = ranked_accounts(
        decisions,
        reasons,
        triggers,
        named,
        catalog,
        n_reasons=params.deliver.n_reasons,
        language=language,
        model_version=model.model_version,
    )
    beside = Beside(
        unblock=words.unblock_in_both(decisions, named, catalog),
        peers=together.peers(ranked, took, catalog, days=params.combine.within_days),
        moved=moved_by(reasons, previous),
    )
    beside = with_cards(
        beside, ranked, params, catalog, model=model, current=current, response=response, lately=lately, past=past
    )
    return {
        "ranked_accounts.parquet": _parquet(outputs.check_ranked(ranked)),
        "ranked_accounts.csv": to_csv(ranked).encode(),
        "ranked_accounts.xlsx": workbook(
            ranked, catalog=catalog, language=language, summary=summary, beside=beside, crm_url=params.deliver.crm_url
        ),
        "index.html": page(
            ranked,
            reasons,
            offered,
            triggers,
            catalog=catalog,
            language=language,
            summary=summary,
            beside=beside,
            crm_url=params.deliver.crm_url,
        ).encode(),
        "reasons.parquet": _parquet(outputs.check_reasons(reasons, ranked)),
        "candidates.parquet": _parquet(outputs.CANDIDATES.table(offered[list(outputs.CANDIDATES.schema.names)])),
        "triggers.parquet": _parquet(outputs.TRIGGERS.table(triggers)),
    }


def summary_of(
    params: Params,
    model: Propensity,
    metrics: dict[str, Any],
    validation: dict[str, Any],
    reading: dict[str, Any],
    capacity: tuple[Text, ...] = (),
) -> Summary:
    """What the reader must know about the list as a whole, from the evaluation of the model that made it.

    reading: what its scores say of their base rate (stage `score`). capacity: what more of the team's time would bring.
    """
    is_judged = metrics["model_version"] == model.model_version  # or else another model was than the one that scores
    is_better = metrics["is_better_than_base_rate"] if is_judged else None
    level = base_rate.note(reading, model.shift.moved if model.shift else None)
    untold = (NOT_JUDGED,) if not is_judged else (ONE_CLASS,) if is_better is None else ()
    auc = metrics["ours"]["auc"] if is_judged else dict.fromkeys(("value", "low", "high"))
    return Summary(
        company=params.run.company,
        as_of=params.run.as_of,
        horizon_days=params.label.horizon_days,
        model_version=model.model_version,
        auc=auc["value"],
        auc_low=auc["low"],
        auc_high=auc["high"],
        has_signal=is_better,
        warnings=(*untold, *((level,) if level else ()), *_warnings(validation)),
        capacity=capacity,
    )


def _warnings(validation: dict[str, Any]) -> Iterator[Text]:
    """What was missing or wrong in the data, as far as it weakens the list."""
    for table, lost in validation["missing"].items():
        yield Text(
            en=f"There is no table {table}, and with it {lost}",
            ja=f"テーブル「{table}」がないため、関連する指標は空欄です。",
        )
    for table, found in validation["tables"].items():
        n, rate = found["quarantined"], found["quarantined_rate"]
        if rate >= WORTH_A_WARNING:
            yield Text(
                en=f"{n:,} rows of {table} ({rate:.0%}) broke the data contract and were left out.",
                ja=f"テーブル「{table}」の{n:,}行（{rate:.0%}）はデータ契約に反するため除外しました。",
            )


def write(files: dict[str, bytes], folder: Path) -> None:
    """All files of a week at once: each written beside, then all renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.partial").write_bytes(content)
    for name in files:
        (folder / f"{name}.partial").replace(folder / name)


def described(
    params: Params,
    model: Propensity,
    files: dict[str, bytes],
    decisions: pd.DataFrame,
    staged: Mapping[str, str],
    read: Mapping[str, bytes],
) -> bytes:
    """The manifest of these files; `staged`: sha256 of the tables that they were made of, by their names; `read`: what
    else was read."""
    inputs = {
        **{f"staged/{name}": digest for name, digest in staged.items()},
        **{name: manifest.sha256(content) for name, content in read.items()},
    }
    code = {str(path): path.read_bytes() for room in ROOMS for path in _sources(Path(room))}
    counted = {name: content for name, content in files.items() if name.endswith(".parquet")}
    return manifest.manifest(
        as_of=str(params.run.as_of),
        seed=params.run.seed,
        parameters=params.model_dump(mode="json", by_alias=True),
        inputs=inputs,
        code=manifest.of_many(code),
        model_version=model.model_version,
        draws=draws(params, decisions),
        rows={name: pq.read_metadata(pa.BufferReader(content)).num_rows for name, content in counted.items()},
        outputs={name: manifest.sha256(content) for name, content in files.items()},
    ).encode()


def known_life_events(as_of: date, staged_at: Path = paths.STAGED) -> pd.DataFrame | None:
    """The staged events as they were known on the week's day; None where the company keeps none."""
    engine = lake.connect()
    table = lake.staged(engine, staged_at).get("life_events")
    return None if table is None else lake.frame(known(table, calendar([as_of])), engine)


def draws(params: Params, decisions: pd.DataFrame) -> dict[str, Any]:
    """What of the week was drawn: by which salt or key, which accounts, and each with its pscore."""
    money, explore = params.decide, params.decide.week.explore
    drawn = decisions["is_explored"].astype(bool)
    held = _pscores(decisions[(decisions["assignment"] == "holdout") & ~drawn])
    key = f"{params.run.seed}:{params.run.as_of}"
    return {
        "holdout": {"salt": money.holdout_salt, "share": money.holdout_share, "pscores": held},
        "exploration": {**explore.model_dump(mode="json"), "key": key, "pscores": _pscores(decisions[drawn])},
    }


def _pscores(rows: pd.DataFrame) -> dict[str, float]:
    return {str(a): float(p) for a, p in zip(rows["account_id"], rows["pscore"], strict=True)}


def top(ranked: bytes, n: int = 100) -> bytes:
    """The first lines of the list, small enough for git: a change of code shows there what it does to the list."""
    rows = pq.read_table(pa.BufferReader(ranked)).to_pandas().head(n)
    named = rows[["rank", "account_id", "assignment", "offer_id", "propensity"]]
    return named.to_csv(index=False, float_format="%.4f").encode()


def _sources(room: Path) -> list[Path]:
    kinds = {".py", ".j2", ".js", ".css"}
    return sorted(p for p in room.rglob("*") if p.suffix in kinds and "lake" not in p.parts)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def main() -> None:
    """Deliver the week."""
    params = Params.load()
    catalog = Catalog.load(paths.CATALOG)
    model = written.read_model()
    decisions = tables.DECISIONS.read()
    current = tables.CURRENT.read()
    files = delivered(
        params,
        catalog,
        model,
        current=current,
        contributions=tables.CONTRIBUTIONS.read(),
        offered=tables.CANDIDATES.read(),
        decisions=decisions,
        fired=tables.TRIGGERS.read(),
        limits=tables.LIMITS.read(),
        summary=summary_of(
            params,
            model,
            written.read_json(paths.METRICS),
            written.read_json(paths.VALIDATION),
            written.read_json(paths.SHIFT),
            worth_of_more(tables.WORTH.read(), catalog.currency),
        ),
        took=tables.PEERS.read(),
        life_events=known_life_events(params.run.as_of),
        response=written.read_response(),
        lately=tables.LATELY.read(),
        past=history.past(current, catalog, params.run.as_of),
    )
    staged = {path.name: tracking.sha256(path) for path in sorted(paths.STAGED.glob("*.parquet"))}
    read = {path.name: path.read_bytes() for path in (paths.CATALOG, paths.PARAMS, paths.THRESHOLDS)}
    write({**files, "manifest.json": described(params, model, files, decisions, staged, read)}, paths.WEEKLY)
    write({paths.TOP.name: top(files["ranked_accounts.parquet"])}, paths.TOP.parent)
    written.as_json(whence.RUN, whence.of_repro(str(params.run.as_of), model.model_version))


if __name__ == "__main__":
    stage.run(main)
