"""The `upsell` command. Exit 0 on success; on bad input one sentence on standard error and exit 2."""

import json
import sys
from datetime import date, datetime
from pathlib import Path

import click

from data.errors import BadInput

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

    for sentence in deliver(as_of.date(), rebuild=rebuild):
        click.echo(sentence)
    click.echo(summary.text())


@cli.command()
@click.argument("account_id")
@click.option("--as-of", type=DAY, help="The week that is asked about; the newest by default.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def audit(account_id: str, as_of: datetime | None, as_json: bool) -> None:
    """One account's whole story: reasons that add up, gates, competing offers, raw rows, versions."""
    from delivery import audit as audits
    from pipelines.audited import story

    told = story(account_id, as_of.date() if as_of else None)
    click.echo(json.dumps(told, indent=1, ensure_ascii=False) if as_json else audits.as_text(told))


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
