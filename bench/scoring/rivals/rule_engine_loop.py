"""The rules on facts by rule-engine, compiled once, one match per rule and record; the rest is the plain loop.

python rule_engine_loop.py WORLD OUT NOW
"""

import figures as m
from records import run
from rule_engine import Rule

FIT = {
    "core_industry": f"industry in {list(m.CORE)}",
    "near_industry": f"industry in {list(m.NEAR)}",
    "core_size": "employees != null and employees >= 200 and employees < 2000",
    "small_size": "employees != null and employees >= 50 and employees < 200",
    "large_size": "employees != null and employees >= 2000",
    "tiny_size": "employees != null and employees < 10",
    "revenue": "annual_revenue != null and annual_revenue >= 10000000 and annual_revenue < 1000000000",
    "served_country": f"country in {list(m.COUNTRIES)}",
    "business_model": "business_model == 'b2b'",
    "ready_to_automate": "maturity in ['medium', 'high'] or (technologies != null and ("
    + " or ".join(f"'{word}' in technologies" for word in m.SYSTEMS)
    + "))",
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
FIT_RULES = [(name, Rule(text), m.FIT[name]) for name, text in FIT.items()]
PEOPLE_RULES = [(name, Rule(text), m.OF_PEOPLE[name]) for name, text in OF_PEOPLE.items()]


class Rules:
    """Rules on facts, as rule-engine's."""

    @staticmethod
    def fit(facts):
        return {name: points if rule.matches(facts) else 0 for name, rule, points in FIT_RULES}

    @staticmethod
    def of_person(facts):
        return {name: points if rule.matches(facts) else 0 for name, rule, points in PEOPLE_RULES}


if __name__ == "__main__":
    run(Rules)
