"""The rules on facts by zen-engine: two decisions held by its static loader, one evaluation per record and decision.

    python zen_loop.py WORLD OUT NOW

Its static loader reads a decision once; `create_decision` would read it again at every evaluation. A person's two
decisions are one here, so that there is one evaluation per record. The rest is the plain loop.
"""

import figures as m
from records import run
from zen import ZenEngine

FIT = {
    "core_industry": f"industry in {list(m.CORE)}",
    "near_industry": f"industry in {list(m.NEAR)}",
    "core_size": "employees != null and employees in [200..2000)",
    "small_size": "employees != null and employees in [50..200)",
    "large_size": "employees != null and employees >= 2000",
    "tiny_size": "employees != null and employees < 10",
    "revenue": "annual_revenue != null and annual_revenue in [10000000..1000000000)",
    "served_country": f"country in {list(m.COUNTRIES)}",
    "business_model": "business_model == 'b2b'",
    "ready_to_automate": f"maturity in ['medium', 'high'] or some(technologies ?? [], # in {list(m.SYSTEMS)})",
    "target_account": "target_tier != null",
    "former_customer": "lifecycle == 'former_customer'",
}
OF_PEOPLE = {
    "buying_function": "function in ['finance', 'procurement']",
    "referred": "lead_source in ['referral', 'partner']",
    "late_stage": "buying_stage in ['evaluation', 'decision']",
    "work_mail": "email_class == 'corporate'",
    "urgent": "urgency == 'high'",
    "budget_stated": "budget != null",
    "opted_out": "opted_out == true",
}


def decision(tests, points):
    """A decision of one node of expressions."""
    expressions = [{"id": name, "key": name, "value": f"({test}) ? {points[name]} : 0"} for name, test in tests.items()]
    place = {"x": 0, "y": 0}
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": place},
            {"id": "rules", "type": "expressionNode", "name": "rules", "position": place,
             "content": {"expressions": expressions}},
            {"id": "out", "type": "outputNode", "name": "out", "position": place},
        ],
        "edges": [
            {"id": "first", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "second", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ],
    }  # fmt: skip


CONTENT = {
    "account": decision(FIT, m.FIT),
    "person": decision(FIT | OF_PEOPLE, m.FIT | m.OF_PEOPLE),
}
ENGINE = ZenEngine({"loader": {"type": "static", "content": CONTENT}})
READ = (
    "industry", "employees", "annual_revenue", "country", "business_model", "technologies", "maturity", "target_tier",
    "lifecycle",
)  # fmt: skip
READ_OF_PEOPLE = (
    *READ, "function", "lead_source", "buying_stage", "email_class", "urgency", "budget", "opted_out",
)  # fmt: skip


class Rules:
    """Rules on facts, as decisions."""

    @staticmethod
    def fit(facts):
        if "seniority" in facts:  # a person: `of_person` answers for both
            return {}
        return ENGINE.evaluate("account", {name: facts[name] for name in READ})["result"]

    @staticmethod
    def of_person(facts):
        return ENGINE.evaluate("person", {name: facts[name] for name in READ_OF_PEOPLE})["result"]


if __name__ == "__main__":
    run(Rules)
