"""A model that uses the whole language of models, and a crowd of records for it: for tests of engines and stores."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.model import Model

NOW = 1_700_000_000
DAY = 86_400
_KINDS = ("pricing_page_view", "demo_request", "content_download", "webinar", "careers_page_view", "email_sent")
_TEXTS = ("", "Nordic AI", "ACME; Ltd", "Ökobilanz 🚀", "e\u0301te", "~", "50-100\nk", "AP automation", "US", "NO")

MODEL = Model.model_validate(
    {
        "name": "language",
        "parts": {"fit": {"min": -20, "max": 40, "weight": 75}, "intent": {"max": 45}, "readiness": {"weight": 10}},
        "total": {"min": 0, "max": 100},
        "rules": [
            {"id": "industry", "name": "Industry", "points": 12.5,
             "when": {"field": "account.industry", "in": ["software", "manufacturing"]}},
            {"id": "size", "name": "Size", "points": 9, "qualification": ["bant.budget"],
             "when": {"field": "account.employees", "range": [100, 2000]}},
            {"id": "erp", "name": "ERP", "points": 6.001,
             "when": {"field": "account.technologies", "contains_any": ["sap", "netsuite"]}},
            {"id": "both_tools", "name": "Both", "points": -4,
             "when": {"not": {"field": "account.technologies", "contains_all": ["sap", "coupa"]}}},
            {"id": "nordic", "name": "Name", "points": 3,
             "when": {"field": "person.company", "matches": ["*ö*", "a*me*"]}},
            {"id": "fresh", "name": "New record", "points": 5,
             "when": {"field": "account.created_at", "days_since": [0, 30]}},
            {"id": "boss", "name": "Chief", "part": "readiness", "points": 20, "applies_to": "both",
             "when": {"field": "person.seniority", "in": ["c_suite", "vp"]}},
            {"id": "reachable", "name": "Reachable", "points": 1.5,
             "when": {"all": [{"field": "person.opted_out", "equals": False},
                              {"field": "person.email_class", "known": True}]}},
            {"id": "asked_and_fits", "name": "Asked and fits", "part": "readiness", "points": 15,
             "when": {"all": [{"fired": "demo"}, {"any": [{"fired": "size"}, {"fired": "erp"}]}]}},
            {"id": "small_only", "name": "Small", "points": 7, "segments": ["small"],
             "when": {"field": "account.country", "known": True}},
        ],
        "persona": {"functions": ["finance", "it"]},
        "signals": [
            {"id": "pricing", "name": "Pricing", "kinds": ["pricing_page_view"], "points": 8, "half_life_days": 7,
             "window_days": 60, "cap": 20, "account_cap": 30},
            {"id": "demo", "name": "Demo", "kinds": ["demo_request"], "points": 30, "steps": [[10, 12], [40, 3]],
             "window_days": 90, "pick": "last"},
            {"id": "guide", "name": "Guide", "kinds": ["content_download", "webinar"], "assets": ["guide", "ÖKO"],
             "points": 4.25, "window_days": 120, "min_count": 2, "min_people": 2},
            {"id": "first_webinar", "name": "Webinar", "kinds": ["webinar"], "points": 6, "half_life_days": 30,
             "pick": "first"},
            {"id": "strongest", "name": "Content", "kinds": ["content_download"], "points": 5, "steps": [[20, 1]],
             "pick": "strongest"},
            {"id": "careers", "name": "Careers", "part": "negative", "kinds": ["careers_page_view"], "points": -10,
             "half_life_days": 14, "window_days": 90, "alone": True},
        ],
        "idle": {"after_days": 45, "points": -12.5},
        "committee": [
            {"id": "group", "name": "Committee", "people": 2, "points": 10, "functions": ["finance", "it", "sales"]}
        ],
        "caps": [{"id": "content_cap", "name": "Content", "of": ["guide", "strongest", "first_webinar"], "max": 9}],
        "flags": [{"id": "hot", "name": "Hot", "when": {"fired": "demo"}},
                  {"id": "erp_named", "name": "ERP", "when": {"field": "account.technologies", "known": True}}],
        "disqualify": [
            {"id": "competitor", "reason": "Competitor", "applies_to": "both",
             "when": {"field": "person.email_class", "in": ["competitor"]}},
            {"id": "tiny", "reason": "Too small", "when": {"field": "account.employees", "range": [None, 3]}},
        ],
        "groups": [
            {"group": "priority", "when": {"score": [45, None]}, "needs": ["demo"]},
            {"group": "nurture", "when": {"score": [20, None], "completeness": [30, None]}},
            {"group": "research", "when": {"score_max": [50, None]}},
            {"group": "poor_fit"},
        ],
        "hysteresis": 4,
        "minimum_stay_days": 3,
        "segments": [
            {"id": "small", "name": "Small", "when": {"field": "account.employees", "range": [None, 100]},
             "points": {"pricing": 11, "size": 1}, "parts": {"fit": {"max": 25, "weight": 100}}, "hysteresis": 0},
        ],
    }
)  # fmt: skip


@dataclass(frozen=True)
class Crowd:
    """Rows of facts."""

    accounts: list[dict[str, Any]]
    people: list[dict[str, Any]]
    events: list[dict[str, Any]]

    def shuffled(self, seed: int) -> Crowd:
        """The same rows in another order."""
        chance = random.Random(seed)
        return Crowd(*(chance.sample(rows, len(rows)) for rows in (self.accounts, self.people, self.events)))


def crowd(accounts: int, *, seed: int = 7) -> Crowd:
    """So many accounts, twice as many people and ten times as many events; some links lead nowhere."""
    chance = random.Random(seed)
    uids = [f"crm/Account/{n}" for n in range(accounts)]
    humans = [f"crm/Contact/{n}" for n in range(2 * accounts)]
    companies = [_row(Entity.ACCOUNT, uid, chance) for uid in uids]
    people = [
        {**_row(Entity.PERSON, uid, chance), "account": chance.choice([None, "crm/Account/gone", *uids])}
        for uid in humans
    ]
    events = [
        {
            "person": chance.choice([None, "crm/Contact/gone", *humans]),
            "account": chance.choice([None, "crm/Account/gone", *uids]),
            "kind": chance.choice(_KINDS),
            "asset": chance.choice([None, "ROI Guide", "Ökobilanz", "spec sheet", ""]),
            "at": NOW - chance.randrange(-2 * DAY, 130 * DAY),
        }
        for _ in range(10 * accounts)
    ]
    return Crowd(companies, people, events)


def _row(entity: Entity, uid: str, chance: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {"uid": uid, "previous_group": chance.choice([None, "priority", "nurture", "poor_fit"])}
    row["group_since"] = row["previous_group"] and NOW - chance.randrange(6 * DAY)
    for field in FIELDS[entity]:
        if field.scored and field.kind is not Kind.LINK and chance.random() < 0.8:
            row[field.name] = _value(field.kind, field.values, chance)
    return row


def _value(kind: Kind, values: tuple[str, ...], chance: random.Random) -> Any:
    match kind:
        case Kind.TEXT | Kind.ENUM:
            return chance.choice(values or _TEXTS)
        case Kind.INTEGER:
            return chance.choice([1, 3, 99, 100, 150, 1999, 2000, 2**40])
        case Kind.TIME:
            return NOW - chance.randrange(-DAY, 60 * DAY)
        case Kind.BOOLEAN:
            return chance.random() < 0.5
        case _:
            return chance.sample(["sap", "netsuite", "coupa"], chance.randrange(4))
