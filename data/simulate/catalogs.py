"""What the companies of the presets sell: the project's catalogue with other prices, limits, names and channels.

Features, metrics, add-ons and offers keep their ids, so that whatever reads the catalogue serves every preset.
"""

from typing import Any

from data.catalog import Catalog

# By preset, then by list of the catalogue and id: what differs.
DIFFERENCES: dict[str, dict[str, dict[str, dict[str, Any]]]] = {
    # Most work for nothing and alone; nobody calls a customer who pays the price of a lunch.
    "plg_freemium": {
        "plans": {
            "free": {"limits": {"seats": 3, "storage_gb": 2, "api_calls": 500}},
            "starter": {"price_per_month": 0.0, "price_per_seat": 6.0, "limits": {"storage_gb": 20, "api_calls": 5000}},
            "pro": {"price_per_month": 0.0, "price_per_seat": 12.0, "limits": {"storage_gb": 100, "api_calls": 50000}},
            "enterprise": {"price_per_month": 49.0, "price_per_seat": 22.0},
        },
        "add_ons": {
            "analytics": {"price_per_month": 8.0, "price_per_seat": 2.0},
            "extra_storage": {"price_per_month": 6.0, "limits": {"storage_gb": 50}},
            "api_pack": {"price_per_month": 12.0, "limits": {"api_calls": 50000}},
            "security": {"price_per_month": 15.0, "price_per_seat": 1.0},
        },
        "offers": {
            "upgrade_next": {"channels": ["in_app", "email", "csm"], "contact_cost": 1.0},
            "seats_20": {"channels": ["in_app", "email"], "contact_cost": 0.5},
            "add_analytics": {"channels": ["in_app", "email"], "contact_cost": 0.5},
            "add_storage": {"channels": ["in_app", "email"], "contact_cost": 0.2},
            "add_api_pack": {"channels": ["in_app", "email"], "contact_cost": 0.2},
            "add_security": {"channels": ["email", "csm"], "contact_cost": 2.0},
            "bundle_growth": {"channels": ["email", "csm"], "contact_cost": 2.0},
            "annual_billing": {"channels": ["in_app", "email"], "contact_cost": 0.5},
            "trial_next": {"channels": ["in_app", "email"], "contact_cost": 0.2},
            "recovery": {"channels": ["email", "csm"], "contact_cost": 3.0},
            "smaller_plan": {"channels": ["email"], "contact_cost": 1.0},
            "training": {"channels": ["in_app", "email"], "contact_cost": 0.5},
        },
    },
    # Few and large, by the year, with people on both sides of the table.
    "enterprise": {
        "plans": {
            "free": {"name": {"en": "Evaluation", "ja": "評価版"}},
            "starter": {
                "name": {"en": "Department", "ja": "部門プラン"}, "price_per_month": 1500.0, "price_per_seat": 25.0,
                "limits": {"storage_gb": 500, "api_calls": 200000},
            },
            "pro": {
                "name": {"en": "Business", "ja": "ビジネス"}, "price_per_month": 3500.0, "price_per_seat": 38.0,
                "limits": {"storage_gb": 2500, "api_calls": 2000000},
            },
            "enterprise": {
                "name": {"en": "Enterprise", "ja": "エンタープライズ"}, "price_per_month": 7500.0,
                "price_per_seat": 52.0,
            },
        },
        "add_ons": {
            "analytics": {"price_per_month": 900.0, "price_per_seat": 6.0},
            "extra_storage": {"price_per_month": 600.0, "limits": {"storage_gb": 2000}},
            "api_pack": {"price_per_month": 1200.0, "limits": {"api_calls": 2000000}},
            "security": {"price_per_month": 1500.0, "price_per_seat": 5.0},
        },
        "offers": {
            "upgrade_next": {"channels": ["csm"], "contact_cost": 900.0},
            "seats_20": {"channels": ["csm", "email"], "contact_cost": 300.0},
            "add_analytics": {"channels": ["csm", "email"], "contact_cost": 500.0},
            "add_storage": {"channels": ["csm", "email"], "contact_cost": 150.0},
            "add_api_pack": {"channels": ["csm", "email"], "contact_cost": 200.0},
            "add_security": {"channels": ["csm"], "contact_cost": 700.0},
            "bundle_growth": {"channels": ["csm"], "contact_cost": 1200.0},
            "annual_billing": {"channels": ["csm"], "contact_cost": 200.0},
            "trial_next": {"channels": ["csm"], "contact_cost": 400.0},
            "recovery": {"channels": ["csm"], "contact_cost": 600.0},
            "smaller_plan": {"channels": ["csm"], "contact_cost": 500.0},
            "training": {"channels": ["csm", "email"], "contact_cost": 400.0},
        },
    },
}  # fmt: skip


def catalog_of(preset: str, project: Catalog) -> Catalog:
    """The preset's catalogue, made of the project's; the same where the preset has none of its own.

    An id that the project's catalogue lacks is passed over: a company may have dropped an offer.
    """
    differences = DIFFERENCES.get(preset)
    if differences is None:
        return project
    content = project.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for kind, by_id in differences.items():
        content[kind] = [_differing(item, by_id.get(item["id"], {})) for item in content[kind]]
    return Catalog.parse(content, file=f"the catalogue of the preset {preset}")


def _differing(item: dict[str, Any], by: dict[str, Any]) -> dict[str, Any]:
    """`item` with what differs. Limits differ one by one: one that a preset does not name stays, as that of seats,
    which are sold by the head everywhere: left out, nothing would tell how full a plan is."""
    changed = item | by
    if "limits" in item and "limits" in by:
        changed["limits"] = item["limits"] | by["limits"]
    return changed
