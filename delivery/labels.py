"""The fixed words of the page and the workbook, in English and Japanese; sentences about an account live elsewhere.

An id that has no word here (a company's own trigger, a gate added later) is shown as it is spelled, with spaces.
"""

from dataclasses import dataclass

from data.catalog import Language, Text


def _t(en: str, ja: str) -> Text:
    return Text(en=en, ja=ja)


@dataclass(frozen=True)
class Gate:
    """Why an account or an offer is left alone, and what has to change first."""

    name: Text
    would_unblock: Text


COLUMNS: dict[str, Text] = {
    "rank": _t("Rank", "順位"),
    "account_id": _t("Account ID", "アカウントID"),
    "account_name": _t("Account", "お客様名"),
    "owner_id": _t("CSM", "担当CSM"),
    "segment": _t("Segment", "規模"),
    "as_of": _t("As of", "基準日"),
    "plan_id": _t("Plan", "プラン"),
    "mrr": _t("MRR", "MRR"),
    "renews_on": _t("Renewal", "契約更新日"),
    "lifecycle_stage": _t("Stage", "ステージ"),
    "health_score": _t("Health", "ヘルススコア"),
    "health_band": _t("Band", "健康状態"),
    "propensity": _t("Likelihood", "アップセル確率"),
    "stars": _t("Stars", "有望度"),
    "offer_id": _t("What to offer", "提案内容"),
    "channel": _t("Channel", "連絡手段"),
    "discount_pct": _t("Discount", "割引"),
    "approval": _t("Approval by", "承認者"),
    "p_accept": _t("Accepts if asked", "提案時の承諾確率"),
    "p_organic": _t("Does it anyway", "提案しない場合の確率"),
    "uplift": _t("Gained by asking", "提案による上乗せ"),
    "expected_arr": _t("Expected ARR", "期待ARR"),
    "priority": _t("Priority", "優先度"),
    "contact_by_on": _t("Contact by", "連絡期限"),
    "triggers": _t("Triggers", "きっかけ"),
    "reasons": _t("Why", "根拠"),
    "blocked_by": _t("Why not now", "見送りの理由"),
    "would_unblock": _t("What would change that", "提案できる条件"),
    "movement": _t("Since last week", "先週比"),
    "moved": _t("What moved it", "変動の理由"),
    "peers": _t("Accounts like it", "似たお客様の動き"),
    "assignment": _t("This week", "今週の扱い"),
    "answer": _t("Answer", "結果"),
    "answer_reason": _t("Reason, if declined", "お断りの理由"),
    "snooze_until": _t("Snoozed until", "再連絡日"),
    "note": _t("Note", "メモ"),
}

BANDS = {"green": _t("Green", "良好"), "yellow": _t("Yellow", "要注意"), "red": _t("Red", "危険")}

SEGMENTS = {"small": _t("Small", "小規模"), "mid": _t("Mid-size", "中規模"), "large": _t("Large", "大規模")}

STAGES = {
    "onboarding": _t("Onboarding", "導入中"),
    "adopting": _t("Adopting", "定着中"),
    "established": _t("Established", "安定利用"),
    "renewal": _t("Up for renewal", "更新時期"),
    "at_risk": _t("At risk", "解約リスク"),
}

# As a reason, which has to say what the stage means.
STAGES_SAID = {
    "onboarding": _t("Onboarding: in their first weeks with the product", "導入中（使い始めて間もない段階）"),
    "adopting": _t(
        "Adopting: still young, or much of the plan not yet in use",
        "定着中（日が浅いか、プランの機能の多くが未利用）",
    ),
    "established": _t(
        "Established: past adoption, and no yearly renewal is near", "安定利用（定着済みで、年間契約の更新はまだ先）"
    ),
    "renewal": _t("Up for renewal: the yearly contract ends soon", "更新時期（年間契約の終了が近い）"),
    "at_risk": _t("At risk: health is red, or use has fallen by a lot", "解約リスク（健康状態が危険か、利用が大幅減）"),
}

BILLING = {"monthly": _t("monthly", "月払い"), "annual": _t("yearly", "年払い")}

# Behind a reason that is not for the customer's ears.
INTERNAL = _t("(internal)", "（社内用）")

LIFE_EVENTS = {
    "funding": _t("funding", "資金調達"),
    "merger": _t("merger", "合併"),
    "new_office": _t("new office", "新拠点"),
    "new_business": _t("new business", "新規事業"),
    "reorganisation": _t("reorganisation", "組織再編"),
    "hiring": _t("hiring", "採用強化"),
}

CHANNELS = {
    "csm": _t("CSM call", "CSMから連絡"),
    "email": _t("Email", "メール"),
    "in_app": _t("In the app", "アプリ内"),
}

MOVEMENTS = {
    "new": _t("New", "新規"),
    "up": _t("Up", "上昇"),
    "down": _t("Down", "下降"),
    "same": _t("Unchanged", "変動なし"),
}

# Those held out have no word: they are shown nowhere.
ASSIGNMENTS = {
    "contact": _t("Contact", "連絡する"),
    "nurture": _t("Help first", "まず支援"),
    "beyond_capacity": _t("Next in line", "次の候補"),
    "none": _t("Leave alone", "見送り"),
}

ANSWERS = {
    "accepted": _t("Accepted", "承諾"),
    "declined": _t("Declined", "お断り"),
    "snoozed": _t("Snoozed", "保留"),
    "already_in_talks": _t("Already in talks", "商談中"),
    "wrong_contact": _t("Wrong contact", "担当者違い"),
}

# The reasons that `proposals` knows.
DECLINE_REASONS = {
    "price": _t("Price", "価格"),
    "timing": _t("Timing", "時期"),
    "no_need": _t("No need", "必要性がない"),
    "competitor": _t("Competitor", "競合"),
    "no_budget": _t("No budget", "予算がない"),
    "other": _t("Other", "その他"),
}

# What came of a proposal, as far as it was known.
OUTCOMES = {
    "accepted": _t("accepted", "承諾"),
    "declined": _t("declined", "お断り"),
    "no_response": _t("no answer", "返答なし"),
    "open": _t("not answered yet", "返答待ち"),
}

# What happened with an account before; seats, ranks and names are filled in by delivery/history.py.
HISTORY = {
    "started": _t("Started on {what}", "{what}で利用開始"),
    "moved": _t("Moved from {was} to {what}", "{was}から{what}へ変更"),
    "left": _t("Left {was}", "{was}を解約"),
    "seats": _t("Seats {before} → {after}", "シート数 {before} → {after}"),
    "added": _t("Added {what}", "{what}を追加"),
    "dropped": _t("Dropped {what}", "{what}を解除"),
    "billing": _t("Billing {was} → {what}", "支払い {was} → {what}"),
    "listed": _t("On the list, rank {rank}", "リスト掲載（{rank}位）"),
    "helped": _t("On the list to be helped, rank {rank}", "支援対象としてリスト掲載（{rank}位）"),
    "mrr": _t("MRR, 12 months", "MRR（12か月）"),
    "use": _t("Events of use by week", "週ごとの利用回数"),
    "gauge": _t("{name}, peak by week", "{name}（週ごとのピーク）"),
    "counter": _t("{name} by week", "{name}（週ごと）"),
}

GATES: dict[str, Gate] = {
    "no_consent": Gate(
        _t("Has not agreed to be contacted about offers", "営業連絡への同意がない"),
        _t("Ask for consent, and record it", "連絡への同意をいただき、記録する"),
    ),
    "do_not_contact": Gate(
        _t("Asked not to be contacted for now", "連絡を控えるよう依頼されている"),
        _t("Wait until the agreed date", "約束した日まで待つ"),
    ),
    "onboarding": Gate(
        _t("Still in onboarding", "導入を始めたばかり"),
        _t("Finish onboarding first", "まず導入を完了する"),
    ),
    "serious_ticket": Gate(
        _t("A serious ticket is open", "重大な問い合わせが未解決"),
        _t("Resolve the ticket, and say so to the customer", "問い合わせを解決し、お客様に報告する"),
    ),
    "unhappy": Gate(
        _t("The customer is unhappy", "満足度が下がっている"),
        _t("Put right what went wrong, then ask again how they feel", "不満の原因を解消し、改めて満足度を確認する"),
    ),
    "falling_use": Gate(
        _t("Use is falling", "利用が減っている"),
        _t("Find out why use fell, and help the team back", "利用が減った理由を確認し、活用を支援する"),
    ),
    "recent_refusal": Gate(
        _t("Said no recently", "最近お断りがあった"),
        _t("Leave time to pass since the last no", "前回のお断りから期間を空ける"),
    ),
    "contact_limit": Gate(
        _t("Contacted often enough lately", "直近の連絡回数が上限に達している"),
        _t("Wait until the last contacts are a month old", "直近の連絡から1か月ほど空ける"),
    ),
    "not_eligible": Gate(
        _t("Not available to this account", "このお客様は対象外"),
        _t("A change of plan or terms", "プランや契約条件の変更"),
    ),
    "not_applicable": Gate(
        _t("No need for it at present", "現時点では必要性が低い"),
        _t("More use of what the offer builds on", "関連する機能の利用が進むこと"),
    ),
    "not_suitable": Gate(
        _t("Not right for this customer now", "今のお客様には適さない"),
        _t("Better health first", "まずヘルススコアを改善する"),
    ),
    "offer_ended": Gate(
        _t("The offer is not running", "提供期間外"),
        _t("The offer's next run", "次の提供期間を待つ"),
    ),
    "no_gain": Gate(
        _t("Nothing gained by asking", "提案しても効果が見込めない"),
        _t("A higher chance or a higher value", "確率または金額の見込みが上がること"),
    ),
}

ANSWERING: tuple[Text, ...] = (
    _t(
        "Each CSM answers on the sheet of that name: pick an answer from the list.",
        "担当CSMごとのシートで、結果を一覧から選んでください。",
    ),
    _t(
        "Declined: also pick the reason. Snoozed: also give the date.",
        "「お断り」の場合は理由を、「保留」の場合は再連絡日も入力してください。",
    ),
    _t("Sorting, filtering and adding columns do no harm.", "並べ替え、絞り込み、列の追加をしても問題ありません。"),
    _t(
        "An account's name opens its card on the page (index.html beside this file).",
        "お客様名をクリックすると、詳細（同じフォルダのindex.html）が開きます。",
    ),
    _t(
        "Under Why, ▲ raises the likelihood and ▼ lowers it.",
        "「根拠」の▲は確率を上げる要因、▼は下げる要因です。",
    ),
)

# What the page says, by the names that page.js uses; {n} and the like are filled in there.
PAGE: dict[str, Text] = {
    "title": _t("Customers to talk to this week", "今週ご連絡するお客様"),
    "headline": _t("Talk to {n} accounts this week", "今週ご連絡するお客様：{n}社"),
    "headline_one": _t("Talk to one account this week", "今週ご連絡するお客様：1社"),
    "headline_none": _t("Nobody to contact this week", "今週ご連絡するお客様はいません"),
    "week_of": _t("Week of {date}", "{date}の週"),
    "skip": _t("Skip to the list", "一覧へ移動"),
    "language": _t("Language", "言語"),
    "glance": _t("The week at a glance", "今週の概要"),
    "glance_arr": _t("Expected ARR", "期待ARR"),
    "glance_arr_note": _t(
        "a year, likely to come; not what the call adds", "年額の見込み（連絡による上乗せ分ではありません）"
    ),
    "glance_arr_learnt": _t("a year, that your contact adds", "年額（ご連絡による上乗せ分の見込み）"),
    "glance_new": _t("New on the list", "新しく入ったお客様"),
    "glance_new_note": _t("{up} moved up, {down} down", "上昇 {up}社・下降 {down}社"),
    "glance_first": _t("the first list", "初回のリスト"),
    "glance_renewing": _t("Renewing within 30 days", "30日以内に契約更新"),
    "glance_renewing_note": _t("{money} MRR on the table", "対象MRR {money}"),
    "glance_help": _t("Need help first", "まず支援が必要"),
    "glance_help_note": _t("sell nothing to them yet", "提案はまだ控える"),
    "by_owner": _t("By CSM", "担当CSM別"),
    "by_owner_line": _t("{n} · {money}", "{n}社・{money}"),
    "no_owner": _t("No CSM", "担当なし"),
    "warnings": _t("Before you use this list", "ご利用前の注意"),
    "capacity": _t("What one more would bring", "対応枠があと一つ増えた場合の効果"),
    "no_signal": _t(
        "The data says nothing reliable about who will expand: the probabilities are no better than the base rate. "
        "Sell nothing on their word, and help whoever needs it.",
        "このデータからは、誰がアップセルに至るかを確かに見分けられません。確率は全体平均と変わらない精度です。"
        "この確率に基づく提案は控え、支援が必要なお客様への対応を優先してください。",
    ),
    "auc": _t(
        "Of two customers, one who expanded and one who did not, the model put the right one first {auc} times in 100 "
        "({low} to {high}), on weeks it had not seen. Guessing would be right 50 times.",
        "アップセルに至ったお客様と至らなかったお客様を1社ずつ比べたとき、モデルは学習に使っていない期間で"
        "100回中{auc}回（推定の幅 {low}～{high}）正しく順位を付けました。当て推量なら50回です。",
    ),
    "footer": _t("As of {date} · horizon {n} days · model {model}", "基準日 {date}・予測期間 {n}日・モデル {model}"),
    "lists": _t("Lists", "一覧の切り替え"),
    "search": _t("Search", "検索"),
    "search_hint": _t("Account, ID or CSM", "お客様名・ID・担当CSM"),
    "all": _t("All", "すべて"),
    "stars_at_least": _t("{n} stars or more", "{n}以上"),
    "sort": _t("Sort by", "並べ替え"),
    "clear": _t("Clear", "クリア"),
    "shown": _t("{n} accounts", "{n}社"),
    "shown_one": _t("1 account", "1社"),
    "shown_of": _t("{n} of {all} accounts", "{all}社中 {n}社"),
    "shown_arr": _t("{money} expected", "期待ARR {money}"),
    "nothing": _t("No account matches.", "条件に合うお客様はいません。"),
    "nothing_here": _t("No account stands here this week.", "今週、ここに該当するお客様はいません。"),
    "plan_mrr": _t("Plan, MRR", "プラン・MRR"),
    "no_health": _t("Too new", "算出前"),
    "stars_label": _t("{n} of 5 stars", "5段階中{n}"),
    "places_up": _t("Up {n} since last week", "先週から{n}位上昇"),
    "places_down": _t("Down {n} since last week", "先週から{n}位下降"),
    "new_here": _t("New on the list", "新しく入ったお客様"),
    "close": _t("Close", "閉じる"),
    "previous": _t("Previous account", "前のお客様"),
    "next": _t("Next account", "次のお客様"),
    "print": _t("Print", "印刷"),
    "next_step": _t("Next step", "次のアクション"),
    "next_step_none": _t("Nothing to offer now", "今は提案しません"),
    "what_worth": _t("What it is worth", "見込まれる効果"),
    "if_accepted": _t("If accepted", "承諾された場合"),
    "a_year": _t("{money} / year", "年間{money}"),
    "expected": _t("Expected, after discount and cost", "期待値（割引・費用差引後）"),
    "with_discount": _t("{pct} discount", "{pct}割引"),
    "no_discount": _t("No discount", "割引なし"),
    "needs_approval": _t("Ask {who} before offering it", "提案前に{who}の承認が必要"),
    "roi": _t(
        "Worth {money} per active user a month to the customer, if it saves {hours} hours at {wage} an hour.",
        "お客様にとっての効果：1人あたり月{hours}時間の削減、時給{wage}とすると、利用者1人につき月{money}相当。",
    ),
    "why": _t("Why this account", "このお客様を選んだ根拠"),
    "why_likely": _t("How likely it is to expand, and why", "アップセル確率とその根拠"),
    "why_chance": _t("{p} likely to expand within {n} days", "{n}日以内のアップセル確率 {p}"),
    "why_base": _t("Where every account starts", "全体の平均的な出発点"),
    "why_rest": _t("Everything else ({n} more)", "その他の要因（{n}件）"),
    "why_rest_plain": _t("Everything else", "その他の要因"),
    "why_total": _t("This account", "このお客様"),
    "points": _t("{n} points", "{n}ポイント"),
    "raises": _t("Speaks for it", "確率を上げる要因"),
    "lowers": _t("Speaks against it", "確率を下げる要因"),
    "persuadable": _t("Why it is persuadable", "提案が後押しになる根拠"),
    "persuadable_note": _t(
        "What makes it likelier to accept if asked than to do it anyway (▲), and what speaks against asking (▼)",
        "提案しない場合より承諾しやすくなる要因（▲）と、提案の効果を下げる要因（▼）",
    ),
    "what_ifs": _t("What would bring the next star", "有望度の星が一つ増える変化"),
    "what_ifs_note": _t(
        "By the model: one thing alone, everything else as it is",
        "モデルの試算：ほかは変えず、その項目だけが変わった場合",
    ),
    "past": _t("What happened before", "これまでの経緯"),
    "line": _t("{name}: {first} → {last}, between {low} and {high}", "{name}：{first} → {last}（{low}～{high}）"),
    "line_ends": _t("{first} → {last}", "{first} → {last}"),
    "crm": _t("Open in the CRM", "CRMで開く"),
    "new_window": _t("(opens a new window)", "（新しいウィンドウで開きます）"),
    "when": _t("When", "タイミング"),
    "when_contact_by": _t("Contact by", "連絡期限"),
    "when_renewal": _t("Renewal", "契約更新日"),
    "when_nothing": _t("Nothing presses. Any day this week.", "期限はありません。今週中にご連絡ください。"),
    "how": _t("How", "進め方"),
    "by_day": _t("by {date}", "{date}まで"),
    "say": _t("What to say", "トーク例"),
    "proof": _t("What others got from it", "同様のお客様の事例"),
    "not_now": _t("Why not now", "見送りの理由"),
    "else": _t("What else was considered", "ほかに検討した提案"),
    "else_chosen": _t("Chosen", "採用"),
    "else_not": _t("Not possible", "不可"),
    "else_possible": _t("Possible", "可能"),
    "audit": _t("For the whole story", "経緯の確認"),
    "keys": _t(
        "Keys: Ctrl K search · ↑ ↓ move · Enter open · Esc close",
        "キー操作：Ctrl+K 検索・↑↓ 移動・Enter 開く・Esc 閉じる",
    ),
}

SHEETS: dict[str, Text] = {
    "summary": _t("Summary", "概要"),
    "all": _t("All accounts", "全アカウント"),
    "no_owner": _t("No CSM", "担当なし"),
    "file_title": _t("Customers to talk to this week", "今週ご連絡するお客様"),
    "as_of": _t("As of {date}", "基準日：{date}"),
    "to_contact": _t("To contact", "連絡する"),
    "n_accounts": _t("Accounts", "社数"),
    "how_to_answer": _t("How to answer", "回答方法"),
    "warnings": _t("Before you use this list", "ご利用前の注意"),
    "trust": _t("How far to trust it", "予測の確かさ"),
    "answer_error": _t("Pick one from the list, or leave it empty.", "一覧から選ぶか、空欄のままにしてください。"),
    "date_error": _t(
        "Give a day after the list's date, or leave it empty.",
        "基準日より後の日付を入力するか、空欄のままにしてください。",
    ),
    "page": _t("Open the page", "画面で開く"),
    "footer": _t("Page &P of &N", "&P / &N ページ"),
}


def spelled(identifier: str) -> Text:
    """An id that has no word, spelled so that a person can read it.

    >>> spelled("limit_storage_gb").en
    'Limit storage gb'
    """
    words = identifier.replace("_", " ").strip()
    return Text.model_validate(words[:1].upper() + words[1:])


def named(words: dict[str, Text], identifier: str, language: Language) -> str:
    """The word for an id, or the id spelled out where there is none.

    >>> named(BANDS, "red", "ja"), named(BANDS, "dark_red", "en")
    ('危険', 'Dark red')
    """
    return words.get(identifier, spelled(identifier))[language]


def gate_named(gate: str, language: Language) -> str:
    """What a gate says, in words.

    >>> gate_named("serious_ticket", "en"), gate_named("legal_hold", "en")
    ('A serious ticket is open', 'Legal hold')
    """
    return GATES[gate].name[language] if gate in GATES else spelled(gate)[language]
