"""The page in a real Chromium, offline: what a CS lead does on Monday morning, and what must never happen."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.delivery import speak, violations
from data.catalog import Language
from delivery import labels
from delivery.page import page as html_of
from tests.delivery.sample import NASTY, Week, make_beside, make_week

pytestmark = pytest.mark.system

CHROMIUM = "/usr/bin/chromium"
CRM = "https://crm.example.com/accounts/{account_id}?from=list"
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def week() -> Week:
    return make_week(600)


def written(week: Week, path: Path, crm_url: str = CRM) -> Path:
    html = html_of(
        week.ranked, week.reasons, week.candidates, week.triggers,
        catalog=week.catalog, language="en", summary=week.summary, beside=make_beside(week), crm_url=crm_url,
    )  # fmt: skip
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def file(week: Week, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(week, tmp_path_factory.mktemp("page") / "index.html")


class Visit:
    """An open page, and everything that it complained about or asked for."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(offline=True, **{"locale": "en-GB", **options})
        self.page: Page = self.context.new_page()
        self.trouble: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.trouble.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def go(self, file: Path, address: str = "") -> Page:
        self.page.goto(file.as_uri() + address)
        return self.page


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit that ends with nothing asked of anyone, and no complaint on the console."""
    opened = Visit(browser, **getattr(request, "param", {}))
    opened.page.set_default_timeout(5000)
    yield opened
    outside = [url for url in opened.requests if not url.startswith(("file:", "data:"))]
    opened.context.close()
    assert outside == []
    assert opened.trouble == []


def names(page: Page) -> list[str]:
    """The names in the rows that are on the page, top to bottom."""
    rows = page.locator(".row")
    found = rows.evaluate_all("rows => rows.map(r => [Number(r.dataset.n), r.querySelector('.account a').textContent])")
    return [name for _, name in sorted(found)]


def test_names_that_bite_are_shown_as_they_are_spelled(visit: Visit, file: Path) -> None:
    page = visit.go(file)
    assert names(page)[: len(NASTY)] == list(NASTY)
    assert page.locator("#rows script, #rows b b, #rows img").count() == 0
    for account in ("A00000", "A00003", "A00007"):
        visit.go(file, f"#account={account}")
        page.reload()
        expect(page.locator("#card-name")).to_have_text(NASTY[int(account[1:])])


def test_search_finds_by_name_by_id_and_by_csm(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    box = page.get_by_role("searchbox")
    box.fill("サンプル")
    assert names(page) == ["株式会社サンプル製作所"]
    box.fill("ｒｏｃｋｅｔ")  # wide letters, as a Japanese keyboard types them
    assert names(page) == [NASTY[2]]
    box.fill("a00004")
    assert names(page) == [NASTY[4]]
    box.fill("emi sato")
    contact = week.ranked[week.ranked["assignment"] == "contact"]
    expect(page.locator("#count")).to_contain_text(f"{(contact['owner_id'] == 'Emi Sato').sum()} of {len(contact)}")
    box.fill("nobody is called that")
    expect(page.locator("#nothing")).to_be_visible()


def test_filters_narrow_the_list_and_stay_in_the_address(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    page.get_by_role("combobox", name="CSM").select_option("Carla Rossi")
    page.get_by_role("combobox", name="Health").select_option("green")
    ranked = week.ranked
    is_wanted = (ranked["owner_id"] == "Carla Rossi") & (ranked["health_band"] == "green")
    expected = ranked.loc[is_wanted & (ranked["assignment"] == "contact"), "account_name"].tolist()
    assert expected
    assert names(page) == expected
    assert "owner=Carla" in page.url
    page.reload()
    assert names(page) == expected
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#count")).to_have_text("50 accounts")


@pytest.mark.parametrize("field", ["owner_id", "segment", "plan_id", "offer_id", "health_band", "movement"])
def test_each_filter_keeps_exactly_its_accounts(visit: Visit, file: Path, week: Week, field: str) -> None:
    parameter = {"owner_id": "owner", "plan_id": "plan", "offer_id": "offer", "health_band": "health"}.get(field, field)
    contact = week.ranked[week.ranked["assignment"] == "contact"]
    value = contact[field].dropna().iloc[-1]
    page = visit.go(file, f"#{parameter}={value}")
    expect(page.locator("#count")).to_contain_text(f"{(contact[field] == value).sum()} of {len(contact)} accounts")


def test_sorting_puts_the_unknown_last_either_way(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    contact = week.ranked[week.ranked["assignment"] == "contact"]
    unknown = contact["renews_on"].isna()
    assert unknown.any()
    head = page.get_by_role("columnheader", name="Renewal")
    for direction, ascending in (("ascending", True), ("descending", False)):
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", direction)
        known = contact[~unknown].sort_values(["renews_on", "rank"], ascending=[ascending, True])
        assert names(page)[:5] == known["account_name"].tolist()[:5]
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator(".row").last).to_contain_text(contact.loc[unknown, "account_name"].iloc[-1])
        page.evaluate("scrollTo(0, 0)")
        expect(page.locator(".row").first).to_have_attribute("data-n", "0")
    expect(head.get_by_role("button")).to_be_focused()


def test_a_card_tells_why_what_when_how_and_what_else(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    page.locator(".row").nth(9).click()
    card = page.locator("#card")
    account = week.ranked.iloc[9]
    expect(card.get_by_role("heading", level=2)).to_have_text(account["account_name"])
    offer = next(o for o in week.catalog.offers if o.id == account["offer_id"])
    expect(card.locator(".step h3")).to_have_text(offer.name.en)
    for step in offer.playbook:
        expect(card.get_by_text(step.what.en)).to_be_visible()
    assert offer.talk_track is not None
    expect(card.locator("blockquote")).to_have_text(offer.talk_track.en)
    mine = week.reasons[week.reasons["account_id"] == account["account_id"]]
    strongest = mine[mine["rank"] > 0].sort_values("points", key=abs).iloc[-1]
    expect(card.locator(".reason").first).to_contain_text(strongest["text_en"])
    expect(card.locator(".others .chosen")).to_contain_text(offer.name.en)
    assert "account=" + account["account_id"] in page.url


def test_the_bars_that_are_shown_add_up(visit: Visit, file: Path) -> None:
    page = visit.go(file, "#account=A00009")
    card = page.locator("#card")
    start = float(card.locator(".from b").inner_text().rstrip("%"))
    end = float(card.locator(".to b").inner_text().rstrip("%"))
    shown = card.locator(".reason .points").evaluate_all("nodes => nodes.map(n => n.firstChild.textContent)")
    points = [float(text.replace("−", "-")) for text in shown]
    assert len(points) == 9
    assert start + sum(points) == pytest.approx(end, abs=0.05)


def test_back_closes_the_card_and_escape_returns_to_the_row(visit: Visit, file: Path) -> None:
    page = visit.go(file)
    page.locator(".row a").nth(2).click()
    expect(page.locator("#card")).to_be_visible()
    page.go_back()
    expect(page.locator("#card")).to_be_hidden()
    page.locator(".row a").nth(3).click()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(page.locator(".row a").nth(3)).to_be_focused()


def test_the_next_card_is_one_key_away(visit: Visit, file: Path) -> None:
    page = visit.go(file, "#account=A00009")
    onward = page.get_by_role("button", name="Next account")
    onward.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".place")).to_contain_text("#11")
    expect(page.get_by_role("button", name="Next account")).to_be_focused()
    expect(page.locator('.row[aria-current="true"]')).to_have_count(1)


def test_everything_can_be_done_with_the_keyboard(visit: Visit, file: Path) -> None:
    page = visit.go(file)
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator('.row[data-n="0"] a')).to_be_focused()
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    expect(page.locator('.row[data-n="12"] a')).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#card-name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('.row[data-n="12"] a')).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_japanese_by_a_switch(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file, "#account=A00009")
    page.get_by_label("日本語").check()
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("h1")).to_have_text("今週ご連絡するお客様：50社")
    mine = week.reasons[(week.reasons["account_id"] == "A00009") & (week.reasons["rank"] > 0)]
    strongest = mine.sort_values("points", key=abs).iloc[-1]
    expect(page.locator(".reason").first).to_contain_text(strongest["text_ja"])
    expect(page.locator("#week")).to_contain_text("2026年6月1日")
    english = {t.en for o in week.catalog.offers for t in [o.name, *(s.what for s in o.playbook)]}
    assert not [text for text in english if text in page.locator("body").inner_text()]
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "ja")


def test_accounts_to_leave_alone_say_why_and_what_would_change_it(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    page.get_by_role("link", name="Leave alone").click()
    expect(page.get_by_role("columnheader", name="What would change that")).to_be_visible()
    alone = week.ranked[week.ranked["assignment"] == "none"]
    first = alone[alone["blocked_by"] == "serious_ticket"].iloc[0]
    page.get_by_role("searchbox").fill(first["account_id"])
    expect(page.locator(".row .why")).to_have_text("A serious ticket is open")
    expect(page.locator(".row .offer")).to_have_text("Resolve the ticket, and say so to the customer")
    page.locator(".row a").click()
    expect(page.locator(".step h3")).to_have_text("Nothing to offer now")
    assert page.locator(".steps").count() == 0


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_card_tells_why_it_is_persuadable_what_would_move_it_and_what_happened(
    visit: Visit, file: Path, week: Week, language: Language
) -> None:
    beside = make_beside(week)
    page = visit.go(file, "#account=A00003")
    speak(page, language)
    story = beside.stories["A00003"]
    persuadable = [text[language] for text in beside.persuadable["A00003"]]
    shown = page.locator(".marked li").evaluate_all(
        """items => items.map(
               li => li.querySelector('.mark').textContent + ' ' + li.querySelector('.text').lastChild.data)"""
    )
    assert shown == persuadable
    assert page.locator(".marked li.down").count() == 1
    assert page.locator(".changes li").all_inner_texts() == [text[language] for text in beside.what_ifs["A00003"]]
    past = page.locator("section", has=page.get_by_role("heading", name=labels.PAGE["past"][language]))
    moments = sorted(story.moments, key=lambda moment: moment[0], reverse=True)
    assert past.locator(".moments .text").all_text_contents() == [text[language] for _, text in moments]
    days = past.locator(".moments time").evaluate_all("times => times.map(t => t.getAttribute('datetime'))")
    assert days == [str(on.date()) for on, _ in moments]
    assert page.locator("#card script, #card b b, #card img").count() == 0


def test_a_small_line_says_in_words_what_it_shows(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file, "#account=A00000")
    money, use = make_beside(week).stories["A00000"].lines
    first, last, low, high = (f"€{value:,.0f}" for value in (
        money.values[0], money.values[-1], min(money.values), max(money.values)))  # fmt: skip
    drawn = page.get_by_role("img", name=f"MRR, 12 months: {first} → {last}, between {low} and {high}")
    expect(drawn).to_have_count(1)
    points = drawn.locator("polyline").get_attribute("points") or ""
    heights = [float(point.split(",")[1]) for point in points.split(" ")]
    assert len(heights) == len(money.values) == 13
    assert heights.index(min(heights)) == money.values.index(max(money.values))  # down is up on a screen
    assert page.locator(".lines li").nth(1).locator(".name").inner_text() == use.name.en


def test_those_to_leave_alone_have_neither(visit: Visit, file: Path, week: Week) -> None:
    alone = week.ranked[week.ranked["assignment"] == "none"].iloc[0]
    page = visit.go(file, f"#account={alone['account_id']}")
    expect(page.locator("#card-name")).to_be_visible()
    assert page.locator(".marked, .changes, .lines").count() == 0


def test_a_card_leads_to_the_crm_only_when_somebody_clicks(
    visit: Visit, file: Path, week: Week, tmp_path: Path
) -> None:
    ranked = week.ranked.copy()
    ranked.loc[0, "account_id"] = account = 'A&B #1"/../ü?{account_id}$&'
    page = visit.go(written(replace(week, ranked=ranked), tmp_path / "index.html"))
    page.locator(".row a").first.click()
    link = page.get_by_role("link", name="Open in the CRM")
    assert link.get_attribute("href") == CRM.replace("{account_id}", quote(account, safe=""))
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert link.get_attribute("target") == "_blank"
    plain = visit.go(written(week, tmp_path / "plain.html", crm_url=""), "#account=A00000")
    expect(plain.locator("#card-name")).to_be_visible()
    assert plain.locator(".crm").count() == 0


def test_an_account_held_out_has_no_card(visit: Visit, file: Path, week: Week) -> None:
    held_out = week.ranked.loc[week.ranked["assignment"] == "holdout", "account_id"].iloc[0]
    page = visit.go(file, f"#account={held_out}")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#card")).to_be_hidden()


def test_a_link_from_the_workbook_opens_the_card_in_its_list(visit: Visit, file: Path, week: Week) -> None:
    helped = week.ranked[week.ranked["assignment"] == "nurture"].iloc[3]
    page = visit.go(file, f"#account={helped['account_id']}")
    expect(page.locator("#card-name")).to_have_text(helped["account_name"])
    expect(page.locator("#lists [aria-current]")).to_contain_text("Help first")


@pytest.mark.parametrize("visit", [{"viewport": {"width": 390, "height": 844}}], indirect=True)
def test_on_a_phone_nothing_is_cut_off_and_the_card_covers_the_list(visit: Visit, file: Path) -> None:
    page = visit.go(file)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#table").get_attribute("data-shape") == "narrow"
    page.locator(".row").nth(1).click()
    assert page.locator("#card").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert page.evaluate("document.getElementById('page').inert")
    page.get_by_role("button", name="Close").click()
    assert not page.evaluate("document.getElementById('page').inert")


def test_printing_puts_every_row_of_the_list_on_paper(visit: Visit, file: Path, week: Week) -> None:
    page = visit.go(file)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".row").count() == (week.ranked["assignment"] == "contact").sum()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".row").count() < 40


def test_a_list_without_signal_says_so_before_anything_else(visit: Visit, week: Week, tmp_path: Path) -> None:
    no_signal = replace(week, summary=replace(week.summary, has_signal=False))
    page = visit.go(written(no_signal, tmp_path / "index.html"))
    expect(page.locator("#notes li").first).to_contain_text("no better than the base rate")
    expect(page.locator("#foot")).not_to_contain_text("times in 100")


def test_a_model_that_was_not_judged_is_called_neither_good_nor_bad(visit: Visit, week: Week, tmp_path: Path) -> None:
    unjudged = replace(week, summary=replace(week.summary, has_signal=None, auc=None, auc_low=None, auc_high=None))
    page = visit.go(written(unjudged, tmp_path / "index.html"))
    expect(page.locator("#notes")).not_to_contain_text("no better than the base rate")
    expect(page.locator("#foot")).not_to_contain_text("times in 100")


def test_nobody_to_contact_is_said_in_words(visit: Visit, week: Week, tmp_path: Path) -> None:
    nobody = replace(week, ranked=week.ranked.assign(assignment="none", owner_id=None, movement=None))
    page = visit.go(written(nobody, tmp_path / "index.html"))
    expect(page.locator("h1")).to_have_text("Nobody to contact this week")
    expect(page.locator("#nothing")).to_be_visible()


def test_five_thousand_accounts_are_there_within_a_second(visit: Visit, tmp_path: Path) -> None:
    file = written(make_week(5000), tmp_path / "index.html")
    assert file.stat().st_size < 5e6
    began = time.monotonic()
    page = visit.go(file)
    page.locator(".row").first.wait_for()
    assert time.monotonic() - began < 1
    page.get_by_role("link", name="Leave alone").click()
    spent = page.evaluate(
        """() => { const box = document.getElementById('q'); const began = performance.now();
                   box.value = 'lumen'; box.dispatchEvent(new Event('input')); return performance.now() - began; }"""
    )
    assert spent < 100
    assert "Lumen" in names(page)[0]
    assert page.locator(".row").count() < 40


@pytest.mark.parametrize(
    "visit",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}],
    indirect=True,
    ids=["light", "dark", "phone"],
)
def test_nothing_keeps_people_from_reading_it_by_wcag_2_2_aa(visit: Visit, file: Path) -> None:
    page = visit.go(file)
    for address in ("", "#account=A00000", "#list=none", "#list=none&account=A00300"):
        visit.go(file, address)
        page.reload()
        for language in ("en", "ja"):
            speak(page, language)
            found = violations(page)
            assert found == [], (address, language)
