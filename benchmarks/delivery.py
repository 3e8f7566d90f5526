"""The page at size: how large it is, how soon the first row stands there, how fast a search answers, and for whom.

    python -m benchmarks.delivery

Made-up weeks of 5,000 and 50,000 accounts (tests/delivery/sample.py) in a headless Chromium without a network. Seconds
are from the start of the navigation to the first row, milliseconds from a key to the rows that it leaves: medians of
REPEATS. Writes into benchmarks/results/delivery.json `page_mb_…`, `first_row_s_…`, `search_ms_…`, each for 5k and 50k,
`requests` (that the page makes, anywhere) and `axe_violations` (of WCAG 2.2 AA by axe-core, over list and card, both
languages, light and dark, wide and narrow).
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from delivery.page import page as html_of
from tests.delivery.sample import make_beside, make_week

RESULTS = Path("benchmarks/results/delivery.json")
CHROMIUM = "/usr/bin/chromium"
SIZES = {"5k": 5_000, "50k": 50_000}
REPEATS = 7
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
VIEWS: tuple[dict[str, Any], ...] = ({}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}})
ADDRESSES = ("", "#account=A00000", "#list=none")
FIRST_ROW = """() => new Promise(done => {
  const look = () => document.querySelector('.row') ? done(performance.now() / 1000) : requestAnimationFrame(look);
  look();
})"""
SPEAK = """language => {
  const choice = document.querySelector(`input[name=language][value=${language}]`);
  choice.checked = true;
  choice.dispatchEvent(new Event('change', { bubbles: true }));
}"""
SEARCH = """text => new Promise(done => {
  const box = document.querySelector('#q');
  const start = performance.now();
  box.value = text;
  box.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it stands, `rule: element`."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [f"{one['id']}: {node['html'][:120]}" for one in found.response["violations"] for node in one["nodes"]]


def speak(page: Page, language: str) -> None:
    """Switch the page's language, also where a card lies over the switch."""
    page.evaluate(SPEAK, language)


def measured(browser: Browser, file: Path) -> dict[str, float]:
    """Size, load and search of one page."""
    context = browser.new_context(offline=True, locale="en-GB")
    loads = []
    for _ in range(REPEATS):
        page = context.new_page()
        page.goto(file.as_uri(), wait_until="commit")
        loads.append(float(page.evaluate(FIRST_ROW)))
        page.close()
    page = context.new_page()
    page.goto(file.as_uri())
    searches = [float(page.evaluate(SEARCH, text)) for text in ("a", "as", "aster", "a000", "x", "", "サンプル")]
    context.close()
    return {
        "page_mb": round(file.stat().st_size / 1e6, 2),
        "first_row_s": round(statistics.median(loads), 2),
        "search_ms": round(statistics.median(searches), 1),
    }


def kept_from(browser: Browser, file: Path) -> tuple[int, int]:
    """How many violations axe finds in every view, and how many requests the page made for anything."""
    n_violations, asked = 0, []
    for view in VIEWS:
        context = browser.new_context(offline=True, locale="en-GB", **view)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for address in ADDRESSES:
            page.goto(file.as_uri() + address)
            page.reload()
            for language in ("en", "ja"):
                speak(page, language)
                n_violations += len(violations(page))
        context.close()
    return n_violations, len([url for url in asked if not url.startswith(("file:", "data:"))])


def main() -> None:
    """Measure and write."""
    found: dict[str, float] = {}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, n in SIZES.items():
            week = make_week(n)
            file = Path(folder) / f"{name}.html"
            tables = (week.ranked, week.reasons, week.candidates, week.triggers)
            html = html_of(
                *tables, catalog=week.catalog, language="en", summary=week.summary, beside=make_beside(week),
                crm_url="https://crm.example.com/accounts/{account_id}",
            )  # fmt: skip
            file.write_text(html, encoding="utf-8")
            found |= {f"{key}_{name}": value for key, value in measured(browser, file).items()}
            if name == "5k":
                found["axe_violations"], found["requests"] = kept_from(browser, file)
        browser.close()
    RESULTS.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
