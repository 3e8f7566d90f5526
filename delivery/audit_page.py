"""One account's story as one HTML file: for whoever must keep it, print it or send it on.

It has no script at all and asks nobody for anything; the content security policy allows its own style and nothing else.
Each feature leads to the raw rows that it was counted from.
"""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from delivery.audit import GONE, said_of

HERE = Path(__file__).parent  # the template stands beside this file, as code does
# Of which raw tables the features of a group are counted.
COUNTED_FROM: dict[str, tuple[str, ...]] = {
    "use": ("usage", "subscriptions"),
    "adoption": ("usage", "subscriptions"),
    "limits": ("meters", "subscriptions"),
    "tenure": ("accounts", "usage"),
    "seats": ("subscriptions", "accounts", "account_changes"),
    "support": ("tickets",),
    "sentiment": ("surveys", "accounts", "account_changes"),
    "relationship": ("touchpoints",),
    "commerce": ("subscriptions",),
    "proposals": ("proposals",),
    "life": ("life_events",),
    "health": ("usage", "tickets", "surveys", "touchpoints", "accounts"),
    "profile": ("accounts",),
}
STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100%; font-size: .87rem }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #8884; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.wide { overflow-x: auto } .quiet { opacity: .75 } .wrong { color: #b00020; font-weight: 600 }
code { font-size: .85em; overflow-wrap: anywhere }
""".strip()


def page(told: Mapping[str, Any]) -> str:
    """The story of `delivery/audit.py` as one file."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return environment.get_template("audit_page.html.j2").render(
        told=told,
        style=Markup(STYLE),  # noqa: S704  our own text, from above
        style_hash=f"sha256-{digest}",
        decided=[said_of(line) for line in told["decided"]],
        counted_from=COUNTED_FROM,
        gone=GONE.format(as_of=told["account"]["as_of"]),
        shown=shown,
    )


def shown(value: Any) -> str:
    """A plain value for a cell.

    >>> shown(None), shown(0.1234567), shown(["a", "b"]), shown(1200.0), shown(True)
    ('', '0.1235', 'a, b', '1,200', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value == round(value) else f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    return str(value)
