"""The model as a plain loop over dicts.

python python_loop.py WORLD OUT NOW
"""

import figures as m
from records import run


def size_of(staff):
    """The rule of that many staff."""
    if staff >= 2000:
        return "large_size"
    if staff >= 200:
        return "core_size"
    if staff >= 50:
        return "small_size"
    return "tiny_size" if staff < 10 else None


class Rules:
    """Rules on facts, in Python's own words."""

    @staticmethod
    def fit(facts):
        industry, staff, revenue = facts["industry"], facts["employees"], facts["annual_revenue"]
        points = dict.fromkeys(m.FIT, 0)
        if staff is not None:
            size = size_of(staff)
            if size:
                points[size] = m.FIT[size]
        if industry in m.CORE:
            points["core_industry"] = m.FIT["core_industry"]
        elif industry in m.NEAR:
            points["near_industry"] = m.FIT["near_industry"]
        if revenue is not None and 10_000_000 <= revenue < 1_000_000_000:
            points["revenue"] = m.FIT["revenue"]
        if facts["country"] in m.COUNTRIES:
            points["served_country"] = m.FIT["served_country"]
        if facts["business_model"] == "b2b":
            points["business_model"] = m.FIT["business_model"]
        technologies = facts["technologies"] or ()
        if facts["maturity"] in ("medium", "high") or any(word in technologies for word in m.SYSTEMS):
            points["ready_to_automate"] = m.FIT["ready_to_automate"]
        if facts["target_tier"] is not None:
            points["target_account"] = m.FIT["target_account"]
        if facts["lifecycle"] == "former_customer":
            points["former_customer"] = m.FIT["former_customer"]
        return points

    @staticmethod
    def of_person(facts):
        points = dict.fromkeys(m.OF_PEOPLE, 0)
        if facts["function"] in ("finance", "procurement"):
            points["buying_function"] = m.OF_PEOPLE["buying_function"]
        if facts["lead_source"] in ("referral", "partner"):
            points["referred"] = m.OF_PEOPLE["referred"]
        if facts["buying_stage"] in ("evaluation", "decision"):
            points["late_stage"] = m.OF_PEOPLE["late_stage"]
        if facts["email_class"] == "corporate":
            points["work_mail"] = m.OF_PEOPLE["work_mail"]
        if facts["urgency"] == "high":
            points["urgent"] = m.OF_PEOPLE["urgent"]
        if facts["budget"] is not None:
            points["budget_stated"] = m.OF_PEOPLE["budget_stated"]
        if facts["opted_out"]:
            points["opted_out"] = m.OF_PEOPLE["opted_out"]
        return points


if __name__ == "__main__":
    run(Rules)
