"""The `upsell` command. Exit 0 on success; on bad input one sentence on standard error and exit 2."""

import io
import json
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.errors import BadInput

if TYPE_CHECKING:
    from pipelines.entries import Kind
    from pipelines.progress import Told

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Which existing customers to talk to this week, about what, when and why, and whom to leave alone."""


@cli.command()
@click.option("--as-of", type=DAY, required=True, help="The week's day: what was known before it counts.")
@click.option("--rebuild", is_flag=True, help="Read all of every table, also what earlier weeks have read.")
def weekly(as_of: datetime, rebuild: bool) -> None:
    """Score, decide and deliver a week with the champion model, without retraining."""
    from pipelines import summary
    from pipelines.weekly import weekly as deliver

    delivered = deliver(as_of.date(), rebuild=rebuild)
    for sentence in delivered.told:
        click.echo(sentence)
    click.echo(summary.text())
    click.echo(f"\nSeal {delivered.kept.seal} (delivery {delivered.kept.number}).")
    click.echo("Note it where nobody can change it who can write here: `upsell verify --seal` holds the ledger to it.")


@cli.command()
@click.option("--seal", metavar="SHA", help="One that was noted elsewhere, or its first digits: it must be there.")
def verify(seal: str | None) -> None:
    """Walk the ledger's seals and name whatever was changed, removed or added since."""
    from pipelines.verified import verified

    click.echo(verified(seal))


@cli.command()
@click.option("--as-of", type=DAY, required=True, help="The week to make again.")
@click.option("--account", "account_id", metavar="ID", help="Only this account's rows.")
def replay(as_of: datetime, account_id: str | None) -> None:
    """Make a past list again from what it was made of, and say whether it is identical, byte for byte."""
    from pipelines import replay as replaying

    found = replaying.replay(as_of.date(), account_id)
    click.echo(replaying.as_text(found))
    if not found.is_identical:
        sys.exit(2)


@cli.command()
@click.argument("account_id")
@click.option("--as-of", type=DAY, required=True, help="The week of the list that says otherwise.")
@click.option("--who", required=True, help="Who decided it.")
@click.option("--why", required=True, help="In words; kept for good.")
@click.option("--offer", "offer_id", metavar="ID", help="To be made instead; `none` for nothing.")
@click.option("--channel", help="csm, email or in_app.")
@click.option("--discount", "discount_pct", type=float, metavar="PCT")
@click.option("--assignment", help="contact, holdout, beyond_capacity, nurture or none.")
def override(
    account_id: str,
    as_of: datetime,
    who: str,
    why: str,
    offer_id: str | None,
    channel: str | None,
    discount_pct: float | None,
    assignment: str | None,
) -> None:
    """Enter into the ledger that something else is to be done with an account than its list says."""
    from pipelines.override import override as entered

    after = {"offer_id": offer_id, "channel": channel, "discount_pct": discount_pct, "assignment": assignment}
    line = entered(account_id, as_of.date(), who=who, why=why, after=after)
    changes = ", ".join(f"{name} {line['before'][name]} → {value}" for name, value in line["after"].items())
    gate = f" (against {line['against']})" if line["against"] else ""
    click.echo(f"Entry {line['number']}, {account_id} as of {line['as_of']}: {changes}{gate}; seal {line['sha256']}")


@cli.command()
@click.argument("kind", type=click.Choice(["approval", "answer", "feedback"]))
@click.argument("account_id")
@click.option("--as-of", type=DAY, required=True, help="The week of the list that it is about.")
@click.option("--who", required=True, help="Who says so.")
@click.option("--value", required=True, help="approved, refused · accepted, declined, snoozed · contacted, helpful, …")
@click.option("--why", help="In words.")
@click.option("--until", type=DAY, help="Of what is snoozed.")
def record(
    kind: str, account_id: str, as_of: datetime, who: str, value: str, why: str | None, until: datetime | None
) -> None:
    """Enter an approval, a customer's answer or a reader's word on a list into the ledger."""
    from pipelines.override import record as entered

    named: Kind = kind  # type: ignore[assignment]  # click holds it to the three
    day = until.date() if until else None
    line = entered(named, account_id, as_of.date(), who=who, value=value, why=why, until=day)
    click.echo(f"Entry {line['number']}, {account_id} as of {line['as_of']}: {kind} {value}; seal {line['sha256']}")


@cli.command()
@click.argument("account_id")
@click.option("--as-of", type=DAY, help="The week that is asked about; the newest by default.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="As one page instead.")
def audit(account_id: str, as_of: datetime | None, as_json: bool, html: Path | None) -> None:
    """One account's whole story: reasons that add up, gates, competing offers, raw rows, versions."""
    from delivery import audit as audits
    from delivery import audit_page
    from pipelines import written
    from pipelines.audited import story

    day = as_of.date() if as_of else None
    if html is not None:
        if not html.absolute().parent.is_dir():
            raise BadInput(f"--html: there is no folder {html.parent}; make it first.")
        written.text(html, audit_page.page(story(account_id, day, n_raw_rows=audits.N_ON_PAGE)))
        click.echo(f"The story of {account_id} in {html}")
        return
    told = story(account_id, day)
    click.echo(json.dumps(told, indent=1, ensure_ascii=False) if as_json else audits.as_text(told))


@cli.command()
@click.option("--as-of", type=DAY, help="The week; the newest that was delivered by default.")
@click.option("--to", metavar="URL", help="A DuckDB file or postgres://…; publish.database by default.")
@click.option("--adapter", "adapters", multiple=True, type=click.Path(path_type=Path), help="A mapping, as YAML.")
@click.option("--digests", is_flag=True, help="Also an e-mail per CSM.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and what differs from the last push.")
def publish(as_of: datetime | None, to: str | None, adapters: tuple[Path, ...], digests: bool, dry_run: bool) -> None:
    """Put a delivered week into a database, other systems' files and e-mails; again as often as you like."""
    from pipelines.publish import Wanted
    from pipelines.publish import publish as published

    for sentence in published(as_of.date() if as_of else None, Wanted(to, adapters, digests, dry_run)):
        click.echo(sentence)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as-of", type=DAY, help="Whose list it is, where the file no longer says.")
@click.option("--on", type=DAY, help="The day on which the answers were given; today by default.")
@click.option("--dry-run", is_flag=True, help="Show what is understood; keep nothing.")
def feedback(file: Path, as_of: datetime | None, on: datetime | None, dry_run: bool) -> None:
    """Read what CSMs answered in the workbook FILE into the store of answers; safe to run twice."""
    from pipelines.feedback import feedback as kept

    day = on.date() if on else datetime.now(UTC).date()
    click.echo(kept(file, as_of=as_of.date() if as_of else None, today=day, is_dry=dry_run).as_text())


@cli.command()
@click.option("--as-of", type=DAY, help="The day of asking: what was known before it counts; today by default.")
@click.option("--json", "as_json", is_flag=True, help="For machines, as in reports/measure.json.")
def measure(as_of: datetime | None, as_json: bool) -> None:
    """What came of the lists: contacted, accepted, worked on, and what they add against the holdout."""
    from delivery.kpi_words import as_text
    from pipelines.measure import measure as measured

    found = measured(as_of.date() if as_of else datetime.now(UTC).date())
    click.echo(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) if as_json else as_text(found))


@cli.command()
@click.option("--source", type=click.Path(path_type=Path), help="A folder or DuckDB file; ingest.folder by default.")
def validate(source: Path | None) -> None:
    """Check the company's tables against the contract and look for leaks; print what is found."""
    from data.catalog import Catalog
    from pipelines import paths
    from pipelines.params import Params
    from pipelines.validated import validated

    given = Params.load()
    folder = source or Path(given.ingest.folder)
    params = given.model_copy(update={"ingest": given.ingest.model_copy(update={"folder": str(folder)})})
    own = folder / paths.CATALOG  # a folder that brings its own catalogue is checked against that
    catalog = Catalog.load(own if own.is_file() else paths.CATALOG)
    validated(params, catalog, say=lambda text: click.echo(text, nl=False))


@cli.command()
@click.option("--accounts", type=click.IntRange(min=1), required=True)
@click.option("--months", type=click.IntRange(min=1), required=True)
@click.option("--seed", type=click.IntRange(min=0), required=True)
@click.option("--preset", default="midmarket", show_default=True, help="Which kind of company; see docs/simulator.md.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option(
    "--catalog",
    "catalog_file",
    type=click.Path(path_type=Path),
    help="What it sells; else catalog.yaml, at the preset's prices and by its channels.",
)
@click.option(
    "--ends-on", type=DAY, default="2026-06-01", show_default=True, help="The day after the last one with data."
)
def simulate(
    accounts: int, months: int, seed: int, preset: str, out: Path, catalog_file: Path | None, ends_on: datetime
) -> None:
    """Make a synthetic company that satisfies the contract: raw tables, catalog.yaml and truth/."""
    from data.catalog import Catalog
    from data.simulate.catalogs import catalog_of
    from pipelines import paths
    from pipelines.simulate import world_of, write_company

    here, project = paths.CATALOG, Path(__file__).parents[1] / paths.CATALOG
    base = here if here.is_file() else project
    write_company(
        Catalog.load(catalog_file) if catalog_file else catalog_of(preset, Catalog.load(base)),
        world_of(preset),
        accounts=accounts,
        months=months,
        seed=seed,
        ends_on=_day(ends_on),
        out=out,
    )
    click.echo(f"{accounts:,} simulated accounts over {months} months in {out}")


@cli.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="The column to predict: two values, as 0/1, true/false or yes/no.")
@click.option("--time", help="The column that orders the rows; the latest fifth then judges.")
@click.option("--group", help="What recurs (an account): without --time its rows are on one side of a split only.")
@click.option("--drop", multiple=True, metavar="COL,…", help="Columns to leave out.")
@click.option("--allow", multiple=True, metavar="COL,…", help="Columns that may tell as much as they do.")
@click.option("--positive", metavar="VALUE", help="The target's value to predict; else the one that says yes.")
@click.option(
    "--gap", type=click.FloatRange(min=0), default=0.0, help="Days (or --time's unit) until a target is known."
)
@click.option("--trials", type=click.IntRange(min=1), default=30, show_default=True, help="Parameters to try.")
@click.option("--timeout", type=click.FloatRange(min=1), help="Seconds to search; results then depend on the machine.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The model's folder.")
def fit(
    table: Path,
    target: str,
    time: str | None,
    group: str | None,
    drop: tuple[str, ...],
    allow: tuple[str, ...],
    positive: str | None,
    gap: float,
    trials: int,
    timeout: float | None,
    seed: int,
    out: Path,
) -> None:
    """Learn a propensity from any TABLE in Parquet or CSV; see docs/any-table.md."""
    from pipelines import fit as fitting
    from pipelines.progress import Told

    wanted = fitting.Wanted(target, time, group, _names(drop), _names(allow), positive, gap, trials, timeout, seed)
    teller = Told(io.StringIO(), sys.stderr)  # the trials themselves are kept in the folder
    try:
        report = fitting.fit(table, wanted, out, lambda line: _line(teller, line), teller)
    finally:
        teller.end()
    click.echo(fitting.as_text(report))
    click.echo(f"\nmodel {report['model_version']} in {out}")


@cli.command()
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), required=True, metavar="DIR", help="What `fit` wrote.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help=".parquet or .csv")
@click.option("--key", multiple=True, metavar="COL,…", help="Columns to copy; else `row`, from 1.")
@click.option("--contributions", is_flag=True, help="Also what each column adds, in log-odds.")
@click.option("--no-correct", is_flag=True, help="Keep the base rate of fitting, whatever the scores say of it.")
def predict(table: Path, model: Path, out: Path, key: tuple[str, ...], contributions: bool, no_correct: bool) -> None:
    """Score a TABLE with a model of `upsell fit`, a row per row, in its order."""
    from pipelines import predict as predicting

    n = predicting.predict(
        table,
        model,
        out,
        key=_names(key),
        contributions=contributions,
        correct=not no_correct,
        say=lambda line: click.echo(line, err=True),
    )
    click.echo(f"{n:,} rows in {out}")


@cli.group()
def policy() -> None:
    """Learn, judge and compare policies: what to do with whom; see docs/policies.md."""


@policy.command("diff")
@click.option("--params", "params_file", type=click.Path(path_type=Path), metavar="FILE", help="Else params.yaml.")
@click.option("--catalog", "catalog_file", type=click.Path(path_type=Path), metavar="FILE", help="Else catalog.yaml.")
@click.option("--json", "as_json", is_flag=True, help="For machines, with every account.")
def policy_diff(params_file: Path | None, catalog_file: Path | None, as_json: bool) -> None:
    """What a change of gates, money or offers would do to the newest list; writes nothing."""
    from pipelines import policy_diff as comparing

    found = comparing.policy_diff(params_file, catalog_file)
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else comparing.as_text(found))


@policy.command("fit")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--action", required=True, metavar="COL", help="What was done.")
@click.option("--reward", required=True, metavar="COL", help="What came of it: a number, more is better.")
@click.option("--pscore", metavar="COL", help="Probability with which that action was drawn; empty: estimated.")
@click.option("--group", metavar="COL", help="What recurs (an account).")
@click.option("--random", metavar="COL", help="True where the action was drawn at random: its pscore must be there.")
@click.option("--cost", multiple=True, metavar="ACTION=AMOUNT", help="Of an action, in the reward's unit; else 0.")
@click.option("--drop", multiple=True, metavar="COL,…", help="Columns that are not known before the action.")
@click.option("--allow", multiple=True, metavar="COL,…", help="Columns that may tell as much as they do.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The policy's folder.")
def policy_fit(
    log: Path,
    action: str,
    reward: str,
    pscore: str | None,
    group: str | None,
    random: str | None,
    cost: tuple[str, ...],
    drop: tuple[str, ...],
    allow: tuple[str, ...],
    seed: int,
    out: Path,
) -> None:
    """Learn from a LOG in Parquet or CSV which action earns most in which context."""
    from pipelines import policy_fit as fitting
    from pipelines.policy_log_file import Roles

    roles = Roles(action, reward, pscore, group, random)
    wanted = fitting.Wanted(roles, _names(cost), _names(drop), _names(allow), seed)
    report = fitting.fit(log, wanted, out, lambda line: click.echo(line, err=True))
    click.echo(fitting.as_text(report))
    click.echo(f"\npolicy {report['policy_version']} in {out}")


@policy.command("evaluate")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--policy", "folder", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Of `fit`.")
@click.option("--action", metavar="COL", help="What was done; this and the others as at `fit` by default.")
@click.option("--reward", metavar="COL")
@click.option("--pscore", metavar="COL")
@click.option("--group", metavar="COL")
@click.option("--random", metavar="COL")
@click.option("--cost", multiple=True, metavar="ACTION=AMOUNT")
@click.option(
    "--min-effective", type=click.FloatRange(min=1), default=100.0, show_default=True, help="Effective sample size."
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For machines; also the data of the overlap plot.")
def policy_evaluate(
    log: Path,
    folder: Path,
    action: str | None,
    reward: str | None,
    pscore: str | None,
    group: str | None,
    random: str | None,
    cost: tuple[str, ...],
    min_effective: float,
    seed: int,
    as_json: bool,
) -> None:
    """What a policy would have earned in a LOG's rows, by five estimators with intervals; refused without overlap."""
    from pipelines import policy_evaluate as judging

    wanted = judging.Wanted(action, reward, pscore, group, random, _names(cost) or None, min_effective, seed)
    report = judging.evaluate(log, folder, wanted, lambda line: click.echo(line, err=True))
    click.echo(json.dumps(report, indent=1, ensure_ascii=False) if as_json else judging.as_text(report))


def _line(teller: "Told", line: str) -> None:
    teller.end()
    click.echo(line, err=True)


def _names(given: tuple[str, ...]) -> tuple[str, ...]:
    """Columns named by commas, by repeating the option, or both."""
    return tuple(name.strip() for part in given for name in part.split(",") if name.strip())


@cli.command()
@click.argument("version", required=False)
@click.option("--force", is_flag=True, help="Even where the gate refuses; needs --because.")
@click.option("--because", metavar="TEXT", help="Kept in the registry, with who and when.")
def promote(version: str | None, force: bool, because: str | None) -> None:
    """Make a VERSION of the registry (the newest by default) champion, if it is not worse on later rows."""
    from pipelines.promote import promote as promoted

    click.echo(promoted(version, force=force, because=because))


@cli.command()
@click.option("--because", metavar="TEXT", help="Kept in the registry, with who and when.")
def rollback(because: str | None) -> None:
    """Return to the champion before this one."""
    from pipelines.rollback import rollback as back

    click.echo(back(because))


def _day(moment: datetime) -> date:
    return moment.date()


def main() -> None:
    """The console command."""
    try:
        cli.main(standalone_mode=False)
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)


if __name__ == "__main__":
    main()
