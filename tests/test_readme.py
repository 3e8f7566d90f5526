"""The README says what was measured."""

from pathlib import Path

import pytest

from benchmarks import readme
from pipelines import paths, written

ROOT = Path(__file__).parents[1]


def test_the_table_of_metrics_is_that_of_the_last_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    table = readme.metrics_table(written.read_json(paths.METRICS), written.read_json(readme.RESULTS))
    assert table in readme.README.read_text(encoding="utf-8"), "run `python -m benchmarks.readme` after `make run`"


def test_it_speaks_of_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test", "test-system", "help"):
        assert f"\n{target}:" in makefile


def test_links_lead_somewhere() -> None:
    import re

    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"
