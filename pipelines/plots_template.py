"""`python -m pipelines.plots_template`: from then on `dvc plots show` and `diff` give pages that work offline.

DVC's own page loads Vega from the network. This writes a page that holds it, .dvc/offline.html, and names it in DVC's
local settings: neither is committed, as both come from an installed package. `make setup` runs it.
"""

import configparser
import io
from pathlib import Path

from data.errors import BadInput
from pipelines import stage, written

TEMPLATE = Path(".dvc/offline.html")
SETTINGS = Path(".dvc/config.local")
# DVC fills in {plot_divs}; what it would put for {scripts} is what is held here instead.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Plots</title>
<script>%s</script>
<style>body {font-family: sans-serif} table {border-spacing: 15px}</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    """Write the page and the setting. Raises BadInput where the package that brings Vega is not installed."""
    try:
        import vl_convert
    except ImportError as error:
        raise BadInput("vl-convert-python is not installed; run `make setup`.") from error
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    written.text(TEMPLATE, PAGE % bundle.replace("</script", "<\\/script"))
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(SETTINGS, encoding="utf-8")
    settings.read_dict({"plots": {"html_template": TEMPLATE.name}})
    text = io.StringIO()
    settings.write(text)
    written.text(SETTINGS, text.getvalue())


if __name__ == "__main__":
    stage.run(main)
