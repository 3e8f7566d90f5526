"""Values that are said by name: copied from the list as people read it, plans from the catalogue."""

from __future__ import annotations

from typing import Any

WORDS: dict[str, dict[str, dict[object, str]]] = {
    "en": {
        "billing": {"monthly": "monthly", "annual": "yearly"},
        "csm_sentiment_level": {0.0: "red", 1.0: "yellow", 2.0: "green"},
        "lifecycle_stage": {
            "onboarding": "Onboarding: in their first weeks with the product",
            "adopting": "Adopting: still young, or much of the plan not yet in use",
            "established": "Established: past adoption, and no yearly renewal is near",
            "renewal": "Up for renewal: the yearly contract ends soon",
            "at_risk": "At risk: health is red, or use has fallen by a lot",
        },
    },
    "ja": {
        "billing": {"monthly": "月払い", "annual": "年払い"},
        "csm_sentiment_level": {0.0: "危険", 1.0: "要注意", 2.0: "良好"},
        "lifecycle_stage": {
            "onboarding": "導入中（使い始めて間もない段階）",
            "adopting": "定着中（日が浅いか、プランの機能の多くが未利用）",
            "established": "安定利用（定着済みで、年間契約の更新はまだ先）",
            "renewal": "更新時期（年間契約の終了が近い）",
            "at_risk": "解約リスク（健康状態が危険か、利用が大幅減）",
        },
    },
}
EVENTS = {
    "en": {
        "funding": "funding", "merger": "merger", "new_office": "new office", "new_business": "new business",
        "reorganisation": "reorganisation", "hiring": "hiring",
    },
    "ja": {
        "funding": "資金調達", "merger": "合併", "new_office": "新拠点", "new_business": "新規事業",
        "reorganisation": "組織再編", "hiring": "採用強化",
    },
}  # fmt: skip


def of_categories(catalog: dict[str, Any]) -> dict[str, dict[str, dict[object, str]]]:
    """By language and feature, what each value is called."""
    return {
        language: of | {"plan_id": {plan["id"]: plan["name"][language] for plan in catalog["plans"]}}
        for language, of in WORDS.items()
    }
