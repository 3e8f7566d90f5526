"""DVC's page of plots works offline, and its local settings keep what else stands in them."""

import configparser
import re
import sys
from pathlib import Path

import pytest
from dvc_render.html import render_html
from dvc_render.vega import VegaRenderer

from data.errors import BadInput
from pipelines import plots_template


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_dvc_fills_in_the_page_and_nothing_in_it_is_from_elsewhere(folder: Path) -> None:
    plots_template.main()
    points = [{"x": 0, "y": 1, "rev": "HEAD"}, {"x": 1, "y": 2, "rev": "workspace"}]
    drawn = VegaRenderer(points, "roc", x="x", y="y", anchors_y_definitions=[])
    page = render_html([drawn], folder / "page.html", plots_template.TEMPLATE).read_text(encoding="utf-8")
    # The bundle ends its element only where it ends itself, and the plots come after.
    bundle, below = page.split("</script", 1)
    assert "window.vegaEmbed" in bundle
    assert "vegaEmbed(" in below
    assert "{plot_divs}" not in page
    assert "{scripts}" not in page
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=", below) == []
    assert re.findall(r"<script[^>]*\bsrc=", bundle) == []
    assert len(bundle) > 500_000


def test_other_local_settings_stay_and_it_may_run_twice(folder: Path) -> None:
    plots_template.SETTINGS.parent.mkdir()
    plots_template.SETTINGS.write_text(
        "[core]\n    remote = store\n['remote \"store\"']\n    url = /data/store%20one\n"
        "[plots]\n    html_template = old.html\n"
    )
    plots_template.main()
    first = plots_template.SETTINGS.read_bytes()
    plots_template.main()
    assert plots_template.SETTINGS.read_bytes() == first
    found = configparser.ConfigParser(interpolation=None)
    found.read(plots_template.SETTINGS)
    assert found["core"]["remote"] == "store"
    assert found["'remote \"store\"'"]["url"] == "/data/store%20one"
    assert found["plots"]["html_template"] == plots_template.TEMPLATE.name  # relative to .dvc/


def test_without_vega_it_says_what_to_do_and_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(BadInput, match=r"vl-convert-python is not installed; run `make setup`"):
        plots_template.main()
    assert list(folder.iterdir()) == []
