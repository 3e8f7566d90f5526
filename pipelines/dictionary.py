"""`python -m pipelines.dictionary`: writes docs/features.md for the company of this folder."""

from pathlib import Path

from data.catalog import Catalog
from features.build import dictionary
from features.dictionary_page import page
from features.triggers import triggers
from pipelines import paths, stage, written
from pipelines.params import Params

PAGE = Path("docs/features.md")


def text() -> str:
    """The page for the catalogue and parameters of this folder."""
    params, catalog = Params.load(), Catalog.load(paths.CATALOG)
    return page(dictionary(catalog, params.health, params.lifecycle), triggers(params.triggers, catalog))


def main() -> None:
    """Write the page."""
    written.text(PAGE, text())


if __name__ == "__main__":
    stage.run(main)
