"""Pictures of what people get, from the newest run: `python -m benchmarks.pictures`, after `make run`.

Writes into docs/img/: the list in English (page.png), an account's card in Japanese (card_ja.png), a phone (phone.png),
the dark mode (dark.png), and the workbook as LibreOffice prints it (workbook.png). The company is simulated.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from benchmarks.delivery import CHROMIUM, speak
from pipelines import paths

FOLDER = Path("docs/img")
PAGE = paths.WEEKLY / "index.html"
COLOURS = 128  # of a picture: text stays sharp, and git stays small


def main() -> None:
    """Take them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        shot(browser, "page", viewport={"width": 1280, "height": 860})
        shot(browser, "card_ja", language="ja", opens_card=True, viewport={"width": 1280, "height": 980})
        shot(browser, "phone", viewport={"width": 390, "height": 780})
        shot(browser, "dark", opens_card=True, color_scheme="dark", viewport={"width": 1280, "height": 860})
        browser.close()
    workbook()


def shot(browser: Browser, name: str, *, language: str = "en", opens_card: bool = False, **options: Any) -> None:
    """One picture of the page."""
    context = browser.new_context(offline=True, locale="en-GB" if language == "en" else "ja-JP", **options)
    page = context.new_page()
    page.goto(PAGE.absolute().as_uri())
    speak(page, language)
    if opens_card:
        page.locator("#rows .row a").first.click()
        page.wait_for_timeout(400)
    _kept(page.screenshot, name)
    context.close()


def workbook() -> None:
    """The summary, and the first page of the first CSM's sheet, as printed."""
    with tempfile.TemporaryDirectory() as place:
        profile = f"-env:UserInstallation={(Path(place) / 'profile').as_uri()}"
        book = str((paths.WEEKLY / "ranked_accounts.xlsx").absolute())
        _run("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", place, book)
        pdf = str(Path(place) / "ranked_accounts.pdf")
        sheets = [
            page.split("Page ")[0].split("\n")[-1].strip()
            for page in _run("pdftotext", "-layout", pdf, "-").split("\f")
        ]
        parts = []
        for page in (0, sheets.index(list(dict.fromkeys(sheets))[2])):  # after the summary and all accounts
            n, file = str(page + 1), Path(place) / str(page)
            _run("pdftoppm", "-r", "80", "-f", n, "-l", n, "-png", "-singlefile", pdf, str(file))
            parts.append(Image.open(file.with_suffix(".png")).convert("RGB"))
        both = Image.new("RGB", (max(p.width for p in parts), sum(p.height for p in parts)), "white")
        both.paste(parts[0], (0, 0))
        both.paste(parts[1], (0, parts[0].height))
        both.quantize(COLOURS).save(FOLDER / "workbook.png", optimize=True)


def _kept(screenshot: Any, name: str) -> None:
    file = FOLDER / f"{name}.png"
    screenshot(path=file)
    Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)


def _run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=180).stdout  # noqa: S603  our own words


if __name__ == "__main__":
    main()
