"""The list as a workbook: a summary, every account, and a sheet per CSM to answer on.

Text is written as text, never as a formula. Answers are validated where they are typed; no sheet is protected, since
protection would stop people from sorting and filtering. Same tables, same bytes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pandas as pd
import xlsxwriter

from data.catalog import Catalog, Language, Text
from delivery import crm, labels
from delivery.beside import Beside
from delivery.summary import Summary, at_a_glance, shown

INK, SOFT, LINE, ACCENT, ACCENT_SOFT, SUNK = "#16181D", "#555B67", "#DDDDD8", "#3B3FB6", "#ECEDFB", "#F1F1EE"
BAND_COLOURS = {"green": ("#11683A", "#E3F3E9"), "yellow": ("#7A4D00", "#FBEFD6"), "red": ("#A8231B", "#FBE6E4")}
FONTS: dict[Language, str] = {"en": "Calibri", "ja": "Yu Gothic"}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
TO_DO = ("contact", "nurture", "beyond_capacity")  # what a CSM's own sheet holds
N_REASONS = 3  # as many as fit a row of three lines
HEADER_ROW = 2  # a title and a hint stand above
MOST_LINKS = 65_530  # that Excel takes on a sheet; what comes after is plain text
LONGEST_ADDRESS = 2_079  # characters, likewise
NOTHING_BESIDE = Beside()
# What a CSM needs to act, then where to answer, then what is good to know.
OF_OWNER = (
    "rank", "account_name", "assignment", "offer_id", "reasons", "expected_arr", "contact_by_on", "health_score",
    "health_band", "answer", "answer_reason", "snooze_until", "note", "propensity", "movement", "moved", "peers",
    "channel", "discount_pct", "approval", "plan_id", "mrr", "renews_on", "account_id",
)  # fmt: skip
OF_ALL = (
    "rank", "account_name", "owner_id", "assignment", "offer_id", "reasons", "expected_arr", "contact_by_on",
    "health_score", "health_band", "segment", "plan_id", "mrr", "renews_on", "lifecycle_stage", "propensity", "stars",
    "movement", "moved", "peers", "channel", "discount_pct", "approval", "p_accept", "blocked_by", "would_unblock",
    "account_id",
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """A column of a sheet: its title, width in characters, the kind of its cells, and how to get them from a row;
    leads_to: of a link, the address behind the text of a row."""

    name: str
    width: float
    kind: str  # text, wrapped, money, percent, percent_points, whole, day, link, answer
    value: Callable[[Any], Any]
    leads_to: Callable[[Any], str] | None = None


def workbook(
    ranked: pd.DataFrame,
    *,
    catalog: Catalog,
    language: Language,
    summary: Summary,
    beside: Beside = NOTHING_BESIDE,
    crm_url: str = "",
) -> bytes:
    """The workbook's bytes, from `ranked_accounts`, in one language. Accounts held out are not in it.

    crm_url: the pattern of an account's address in the CRM, to which its id then leads; empty: no links.
    """
    accounts = shown(ranked)
    buffer = BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties(
        {
            "title": labels.SHEETS["file_title"][language],
            "company": summary.company,
            "comments": f"as_of={summary.as_of} model_version={summary.model_version}",
            "created": datetime(summary.as_of.year, summary.as_of.month, summary.as_of.day, tzinfo=UTC),
        }
    )
    book.set_size(2600, 1500)
    style = Style(book, language, catalog.currency)
    to_do = accounts[accounts["assignment"].isin(TO_DO)]
    owners = sorted(to_do["owner_id"].dropna().unique()) + ([None] if to_do["owner_id"].isna().any() else [])
    no_owner, all_accounts = labels.SHEETS["no_owner"][language], labels.SHEETS["all"][language]
    overview = labels.SHEETS["summary"][language]
    names = sheet_names([overview, all_accounts, *(no_owner if owner is None else owner for owner in owners)])
    sheet_of: dict[str | None, str] = dict(zip(owners, names[2:], strict=True))
    _summary_sheet(book, names[0], ranked, sheet_of, language, summary, style)
    fields = _fields(catalog, language, beside, crm_url)
    everyone, of_owner = ([fields[name] for name in _ordered(names, crm_url)] for names in (OF_ALL, OF_OWNER))
    _list_sheet(book, names[1], accounts, everyone, title=all_accounts, summary=summary, style=style)
    for owner in owners:
        mine = to_do[to_do["owner_id"].isna() if owner is None else to_do["owner_id"] == owner]
        mine = mine.sort_values("assignment", key=lambda kinds: kinds.map(TO_DO.index), kind="stable")
        title = no_owner if owner is None else owner
        _list_sheet(book, sheet_of[owner], mine, of_owner, title=title, summary=summary, style=style)
    book.close()
    return buffer.getvalue()


def sheet_names(wanted: Iterable[str]) -> list[str]:
    r"""Names that Excel takes, in the given order: at most 31 characters, none of []:*?/\, no two alike.

    >>> sheet_names(["Ann/Bob", "ANN Bob", "", "x" * 40])
    ['Ann Bob', 'ANN Bob (2)', 'Sheet', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx']
    """
    names: list[str] = []
    taken = {"history"}  # Excel keeps this one for itself
    for text in wanted:
        clean = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", text).strip().strip("'").strip() or "Sheet"
        name, n = clean[:31], 1
        while name.lower() in taken:
            n += 1
            name = f"{clean[: 31 - len(str(n)) - 3]} ({n})"
        taken.add(name.lower())
        names.append(name)
    return names


class Style:
    """The workbook's formats, made once each: the font of the language, the currency, one accent."""

    def __init__(self, book: Any, language: Language, currency: str) -> None:
        self.language = language
        money = f'"{SYMBOLS[currency]}"#,##0' if currency in SYMBOLS else f'#,##0 "{currency}"'
        day = "d mmm yyyy" if language == "en" else "yyyy/m/d"
        font = {"font_name": FONTS[language], "font_size": 10.5, "font_color": INK, "valign": "vcenter"}
        cell = {**font, "bottom": 1, "bottom_color": LINE}
        typed = {**cell, "bg_color": ACCENT_SOFT, "left": 1, "left_color": LINE, "indent": 1}
        self.line_points = 15.5 if language == "en" else 17.5
        self.body = book.add_format({**font, "text_wrap": True, "valign": "top"})
        self.title = book.add_format({**font, "font_size": 18, "bold": True})
        self.heading = book.add_format({**font, "font_size": 12.5, "bold": True})
        self.soft = book.add_format({**font, "font_color": SOFT})
        self.figure = book.add_format({**font, "font_size": 20, "bold": True, "align": "left", "num_format": "#,##0"})
        self.figure_money = book.add_format(
            {**font, "font_size": 20, "bold": True, "align": "left", "num_format": money, "font_color": ACCENT}
        )
        self.link = book.add_format({**font, "font_color": ACCENT, "underline": 1})
        head = {**font, "bold": True, "text_wrap": True, "bottom": 2, "bottom_color": INK, "font_size": 10}
        answer_head = {**head, "bg_color": ACCENT, "font_color": "#FFFFFF", "indent": 1}
        self.head = book.add_format({**head, "bg_color": SUNK, "indent": 1})
        self.heads = {
            "answer": book.add_format(answer_head),
            "answer_day": book.add_format(answer_head),
            "money": book.add_format({**head, "bg_color": SUNK, "align": "right"}),
            "percent": book.add_format({**head, "bg_color": SUNK, "align": "right"}),
            "whole": book.add_format({**head, "bg_color": SUNK, "align": "center"}),
            "link": book.add_format({**head, "bg_color": SUNK}),
        }
        self.kinds = {
            "text": book.add_format({**cell, "indent": 1}),
            "wrapped": book.add_format({**cell, "text_wrap": True, "indent": 1}),
            "money": book.add_format({**cell, "num_format": money}),
            "percent": book.add_format({**cell, "num_format": "0%"}),
            "percent_points": book.add_format({**cell, "num_format": '0"%"'}),
            "whole": book.add_format({**cell, "num_format": "#,##0", "align": "center"}),
            "day": book.add_format({**cell, "num_format": day, "align": "left", "indent": 1}),
            "link": book.add_format({**cell, "font_color": ACCENT, "bold": True, "text_wrap": True}),
            "crm": book.add_format({**cell, "font_color": ACCENT, "underline": 1, "indent": 1}),
            "answer": book.add_format({**typed, "text_wrap": True}),
            "answer_day": book.add_format({**typed, "num_format": day, "align": "left"}),
        }
        self.bands = {
            band: book.add_format({"font_color": ink, "bg_color": paper}) for band, (ink, paper) in BAND_COLOURS.items()
        }

    def words(self, text: Text) -> str:
        """The text in the workbook's language."""
        return text[self.language]


def _movement(row: Any, language: Language) -> str | None:
    """`New`, `▲ 3`, `▼ 2`, or nothing."""
    if row.movement == "new":
        return labels.MOVEMENTS["new"][language]
    if row.movement in ("up", "down") and not pd.isna(row.movement_ranks) and row.movement_ranks != 0:
        return f"{'▲' if row.movement == 'up' else '▼'} {abs(int(row.movement_ranks))}"
    return None


def _why(row: Any, language: Language) -> str | None:
    """The first reasons, a line each; for those to help or to leave alone, first why not now."""
    reasons = [row.reason_1, row.reason_2, row.reason_3, row.reason_4, row.reason_5]
    lines = [text for text in reasons if isinstance(text, str) and text][:N_REASONS]
    if row.assignment in ("nurture", "none") and isinstance(row.blocked_by, str):
        lines = [labels.gate_named(row.blocked_by, language)]
    return "\n".join(lines) or None


def _would_unblock(row: Any, language: Language) -> str | None:
    if isinstance(row.would_unblock, str) and row.would_unblock:
        return row.would_unblock
    gate = labels.GATES.get(row.blocked_by) if isinstance(row.blocked_by, str) else None
    return gate.would_unblock[language] if gate else None


def _ordered(names: Sequence[str], crm_url: str) -> list[str]:
    """The columns of a sheet; an id that leads somewhere stands in sight, behind the name."""
    if not crm_url:
        return list(names)
    rest = [name for name in names if name != "account_id"]
    behind = rest.index("account_name") + 1
    return [*rest[:behind], "account_id", *rest[behind:]]


def _fields(catalog: Catalog, language: Language, beside: Beside, crm_url: str) -> dict[str, Field]:
    """Every column that a sheet may have, by name."""
    offers = {offer.id: offer.name for offer in catalog.offers}
    plans = {plan.id: plan.name for plan in catalog.plans}

    def word(words: dict[str, Text], name: str) -> Callable[[Any], Any]:
        def find(row: Any) -> str | None:
            value = getattr(row, name)
            return labels.named(words, value, language) if isinstance(value, str) else None

        return find

    def said(told: Mapping[str, Text]) -> Callable[[Any], Any]:
        return lambda row: told[row.account_id][language] if row.account_id in told else None

    def plain(name: str) -> Callable[[Any], Any]:
        return lambda row: getattr(row, name)

    fields = [
        Field("rank", 6, "whole", plain("rank")),
        Field("movement", 8, "text", lambda row: _movement(row, language)),
        Field("account_name", 26, "link", plain("account_name"), leads_to=_card),
        Field("owner_id", 15, "text", plain("owner_id")),
        Field("segment", 9, "text", word(labels.SEGMENTS, "segment")),
        Field("assignment", 12, "text", word(labels.ASSIGNMENTS, "assignment")),
        Field("offer_id", 22, "wrapped", word(offers, "offer_id")),
        Field("channel", 13, "text", word(labels.CHANNELS, "channel")),
        Field("discount_pct", 9, "percent_points", plain("discount_pct")),
        Field("approval", 14, "wrapped", plain("approval")),
        Field("reasons", 56, "wrapped", lambda row: _why(row, language)),
        Field("expected_arr", 13, "money", plain("expected_arr")),
        Field("p_accept", 11, "percent", plain("p_accept")),
        Field("contact_by_on", 12, "day", plain("contact_by_on")),
        Field("plan_id", 12, "text", word(plans, "plan_id")),
        Field("mrr", 11, "money", plain("mrr")),
        Field("renews_on", 12, "day", plain("renews_on")),
        Field("lifecycle_stage", 13, "text", word(labels.STAGES, "lifecycle_stage")),
        Field("health_score", 8, "whole", plain("health_score")),
        Field("health_band", 9, "text", word(labels.BANDS, "health_band")),
        Field("propensity", 10, "percent", plain("propensity")),
        Field("stars", 8, "text", lambda row: "★" * int(row.stars)),
        Field("blocked_by", 30, "wrapped", _gate_of(language)),
        Field("would_unblock", 34, "wrapped", lambda row: _would_unblock(row, language)),
        Field("peers", 34, "wrapped", said(beside.peers)),
        Field("moved", 34, "wrapped", said(beside.moved)),
        Field("answer", 15, "answer", lambda row: None),
        Field("answer_reason", 15, "answer", lambda row: None),
        Field("snooze_until", 12, "answer_day", lambda row: None),
        Field("note", 26, "answer", lambda row: None),
        Field("account_id", 12, "text", plain("account_id")),
    ]
    if crm_url:
        fields[-1] = Field(
            "account_id", 14, "crm", plain("account_id"), leads_to=lambda row: crm.address(crm_url, str(row.account_id))
        )
    return {field.name: field for field in fields}


def _card(row: Any) -> str:
    """The account's card on the page beside; the address holds the id percent-encoded, so it cannot break out."""
    return f"external:index.html#account={quote(str(row.account_id), safe='')}"


def _gate_of(language: Language) -> Callable[[Any], str | None]:
    return lambda row: labels.gate_named(row.blocked_by, language) if isinstance(row.blocked_by, str) else None


def _list_sheet(
    book: Any, name: str, rows: pd.DataFrame, fields: list[Field], *, title: str, summary: Summary, style: Style
) -> None:
    """A sheet with a title, a hint and one table of accounts."""
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, f"{title} · {_day(summary.as_of, style.language)}", style.title)
    is_answered_here = any(field.kind.startswith("answer") for field in fields)
    sheet.write_string(1, 0, style.words(labels.ANSWERING[1 if is_answered_here else 0]), style.soft)
    first, last = HEADER_ROW + 1, HEADER_ROW + max(1, len(rows))
    for column, field in enumerate(fields):
        title_width = _width(style.words(labels.COLUMNS[field.name])) + 3  # and the filter's button
        sheet.set_column(column, column, max(field.width, min(title_width, 15)))
    sheet.set_row(HEADER_ROW, 32)
    sheet.add_table(
        HEADER_ROW, 0, last, len(fields) - 1,
        {
            "style": None,
            "columns": [
                {
                    "header": style.words(labels.COLUMNS[field.name]),
                    "header_format": style.heads.get(field.kind, style.head),
                }
                for field in fields
            ],
        },
    )  # fmt: skip
    n_links = 0
    for r, row in enumerate(rows.itertuples(index=False), start=first):
        lines = 1
        for column, field in enumerate(fields):
            value = field.value(row)
            address = field.leads_to(row) if field.leads_to and n_links < MOST_LINKS else ""
            address = address if len(address) <= LONGEST_ADDRESS else ""
            n_links += bool(address)
            _write(sheet, r, column, value, field, style, address)
            if field.kind == "wrapped" and isinstance(value, str):
                lines = max(lines, _lines(value, field.width - 2))
        sheet.set_row(r, style.line_points * min(max(lines, 2), 5))
    _conditions(sheet, fields, first, last, summary, style)
    sheet.freeze_panes(HEADER_ROW + 1, 2)
    _for_print(sheet, style)
    sheet.repeat_rows(HEADER_ROW)
    names = [field.name for field in fields]
    sheet.print_area(0, 0, last, names.index("note" if "note" in names else "renews_on"))  # the rest is for the screen


def _width(text: str) -> int:
    """How many characters wide the text is; East Asian ones count double."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _lines(text: str, width: float) -> int:
    """How many lines the text takes in a column of that many characters."""
    return sum(-(-_width(line) // int(width)) or 1 for line in text.split("\n"))


def _write(sheet: Any, row: int, column: int, value: Any, field: Field, style: Style, address: str) -> None:
    """One cell. A link is one of the file's own and no formula; its text is text."""
    cell = style.kinds[field.kind]
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        sheet.write_blank(row, column, None, cell)
    elif address:
        sheet.write_url(row, column, address, cell, string=value)
    elif field.kind == "day":
        sheet.write_datetime(row, column, pd.Timestamp(value).to_pydatetime(), cell)
    elif isinstance(value, str):
        sheet.write_string(row, column, value, cell)
    else:
        sheet.write_number(row, column, float(value), cell)


def _conditions(sheet: Any, fields: list[Field], first: int, last: int, summary: Summary, style: Style) -> None:
    """Bars for money, colours for health, lists to answer from."""
    at = {field.name: column for column, field in enumerate(fields)}
    for name in ("expected_arr", "propensity"):
        bar = {"type": "data_bar", "bar_color": "#C9CBF2", "bar_solid": True, "bar_border_color": "#C9CBF2"}
        sheet.conditional_format(first, at[name], last, at[name], {**bar, "min_type": "num", "min_value": 0})
    band = at["health_band"]
    letter = xlsxwriter.utility.xl_col_to_name(band)
    for kind, colour in style.bands.items():
        word = style.words(labels.BANDS[kind])
        criteria = f'=${letter}{first + 1}="{word}"'
        sheet.conditional_format(
            first, at["health_score"], last, band, {"type": "formula", "criteria": criteria, "format": colour}
        )
    if "answer" not in at:
        return
    error = {
        "error_title": style.words(labels.COLUMNS["answer"]),
        "error_message": style.words(labels.SHEETS["answer_error"]),
    }
    for name, words in (("answer", labels.ANSWERS), ("answer_reason", labels.DECLINE_REASONS)):
        source = [style.words(word) for word in words.values()]
        sheet.data_validation(first, at[name], last, at[name], {"validate": "list", "source": source, **error})
    until = {"validate": "date", "criteria": ">", "value": datetime(*summary.as_of.timetuple()[:3])}
    error["error_message"] = style.words(labels.SHEETS["date_error"])
    sheet.data_validation(first, at["snooze_until"], last, at["snooze_until"], {**until, **error})


def _for_print(sheet: Any, style: Style) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&8&A&R&8" + style.words(labels.SHEETS["footer"]))


def _day(day: date, language: Language) -> str:
    """
    >>> _day(date(2026, 6, 1), "en"), _day(date(2026, 6, 1), "ja")
    ('1 June 2026', '2026年6月1日')
    """
    if language == "ja":
        return f"{day.year}年{day.month}月{day.day}日"
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    return f"{day.day} {months[day.month - 1]} {day.year}"


def _summary_sheet(
    book: Any,
    name: str,
    ranked: pd.DataFrame,
    sheet_of: dict[str | None, str],
    language: Language,
    summary: Summary,
    style: Style,
) -> None:
    """The week on one page: figures, a line per CSM with a link to the sheet, how to answer, what to beware of."""
    week = at_a_glance(ranked)
    words, page = labels.SHEETS, labels.PAGE
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 3)
    sheet.set_column(1, 4, 24)
    sheet.set_row(1, 32)
    sheet.write_string(1, 1, words["file_title"][language], style.title)
    sheet.write_string(
        2, 1, f"{summary.company} · {words['as_of'][language].format(date=_day(summary.as_of, language))}", style.soft
    )
    figures = [
        (words["to_contact"], week.n_contact, style.figure),
        (page["glance_arr"], week.expected_arr, style.figure_money),
        (page["glance_renewing"], week.n_renewing, style.figure),
        (page["glance_help"], week.n_help, style.figure),
    ]
    sheet.set_row(5, 30)
    for column, (label, value, form) in enumerate(figures, start=1):
        sheet.write_string(4, column, label[language], style.soft)
        sheet.write_number(5, column, value, form)
    row = 7
    sheet.write_string(row, 1, page["by_owner"][language], style.heading)
    heads = ((labels.COLUMNS["owner_id"], "link"), (words["n_accounts"], "whole"), (page["glance_arr"], "money"))
    for column, (label, kind) in enumerate(heads, start=1):
        sheet.write_string(row + 1, column, label[language], style.heads[kind])
    first = row = row + 2
    for owner in week.owners:
        title = words["no_owner"][language] if owner.owner_id is None else owner.owner_id
        target = sheet_of[owner.owner_id].replace("'", "''")
        sheet.write_url(row, 1, f"internal:'{target}'!A1", style.kinds["link"], string=title)
        sheet.write_number(row, 2, owner.n_contact, style.kinds["whole"])
        sheet.write_number(row, 3, owner.expected_arr, style.kinds["money"])
        row += 1
    if week.owners:
        sheet.conditional_format(
            first, 3, row - 1, 3,
            {"type": "data_bar", "bar_color": "#C9CBF2", "bar_solid": True, "min_type": "num", "min_value": 0},
        )  # fmt: skip
    trust = [page["no_signal"][language]] if summary.has_signal is False else []
    if summary.has_signal and None not in (summary.auc, summary.auc_low, summary.auc_high):
        rates = {"auc": summary.auc, "low": summary.auc_low, "high": summary.auc_high}
        trust = [page["auc"][language].format(**{k: round(100 * v) for k, v in rates.items() if v is not None})]
    parts = [
        (words["how_to_answer"], [text[language] for text in labels.ANSWERING]),
        (words["warnings"], [text[language] for text in summary.warnings]),
        (page["capacity"], [text[language] for text in summary.capacity]),
        (words["trust"], trust),
    ]
    for heading, lines in parts:
        if not lines:
            continue
        row += 1
        sheet.write_string(row, 1, heading[language], style.heading)
        for line in lines:
            row += 1
            sheet.merge_range(row, 1, row, 4, "", style.body)
            sheet.write_string(row, 1, line, style.body)
            sheet.set_row(row, style.line_points * _lines(line, 100) + 2)
        row += 1
    sheet.write_url(row + 1, 1, "external:index.html", style.link, string=words["page"][language])
    _for_print(sheet, style)
    sheet.activate()
