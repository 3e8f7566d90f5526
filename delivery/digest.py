"""One e-mail per CSM: whom to talk to this week, about what, why and by when. Plain text; the card is a link away."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pandas as pd

from data.catalog import Catalog, Language, Text
from delivery import labels
from delivery.figures import money

N_REASONS = 2
SUBJECT = Text(en="{n} customers to talk to in the week of {day}", ja="{day}の週にご連絡するお客様：{n}社")
HEAD = Text(
    en="{n} customers this week, worth about {total} a year if you reach them all. The list: {page}",
    ja="今週ご連絡するお客様は{n}社、期待される効果は年間約{total}です。一覧：{page}",
)
LINE = Text(en="{rank}. {name}: {offer}, by {by}", ja="{rank}. {name}：{offer}（{by}まで）")


def digests(
    ranked: pd.DataFrame, catalog: Catalog, language: Language, *, sender: str, page: str
) -> Iterator[tuple[str, EmailMessage]]:
    """By owner, in the order of their ids; owners with nobody to contact get none. Same list, same bytes."""
    rows = ranked[(ranked["assignment"] == "contact") & ranked["owner_id"].notna()].sort_values("rank")
    offers = {offer.id: offer.name[language] for offer in catalog.offers}
    for owner, mine in rows.groupby("owner_id", sort=True):
        total = money(float(round(mine["expected_arr"].sum())), catalog.currency)
        day = f"{pd.Timestamp(mine['as_of'].iloc[0]):%Y-%m-%d}"
        lines = [HEAD[language].format(n=len(mine), total=total, page=page), ""]
        for row in mine.to_dict("records"):
            by = f"{pd.Timestamp(row['contact_by_on']):%Y-%m-%d}" if pd.notna(row["contact_by_on"]) else "–"
            named = {"rank": row["rank"], "name": _one_line(row["account_name"]), "by": by}
            lines.append(LINE[language].format(**named, offer=offers.get(row["offer_id"], row["offer_id"])))
            why = [row[f"reason_{i}"] for i in range(1, N_REASONS + 1)]
            lines += [f"   {text}" for text in why if isinstance(text, str)]
            if isinstance(row["approval"], str):
                lines.append(f"   {labels.COLUMNS['approval'][language]}: {row['approval']}")
            lines.append("")
        message = EmailMessage(policy=SMTP)
        message["Subject"] = SUBJECT[language].format(n=len(mine), day=day)
        message["From"] = sender
        message["X-Upsell-Owner"] = str(owner)
        message.set_content("\n".join(lines), cte="base64" if language == "ja" else "quoted-printable")
        yield str(owner), message


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
