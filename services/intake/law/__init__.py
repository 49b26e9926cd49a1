"""The legal clock (Fristenrechner): facts in, deadlines out. Pure; no database, no clock of its own.

facts = facts_from_json({"filed_on": "2026-11-02", "served_on": "2026-11-23", "today": "2026-11-24"})
for deadline in deadlines(facts, load_rules()):
    print(deadline.rule, deadline.date, explain(deadline, load_texts()).en)
"""

from services.intake.law.clock import deadlines
from services.intake.law.documents import FactsDocument, facts_from_json, to_json
from services.intake.law.explain import Explanation, Texts, explain, load_texts
from services.intake.law.facts import Facts, Service
from services.intake.law.healing import Healing, Privilege, banner, privilege, remaining_after_healing
from services.intake.law.model import Deadline, Input, Step
from services.intake.law.recompute import Change, Reason, recompute
from services.intake.law.rules import Actor, Rule, load_rules, parse_rules, switched_on

__all__ = [
    "Actor",
    "Change",
    "Deadline",
    "Explanation",
    "Facts",
    "FactsDocument",
    "Healing",
    "Input",
    "Privilege",
    "Reason",
    "Rule",
    "Service",
    "Step",
    "Texts",
    "banner",
    "deadlines",
    "explain",
    "facts_from_json",
    "load_rules",
    "load_texts",
    "parse_rules",
    "privilege",
    "recompute",
    "remaining_after_healing",
    "switched_on",
    "to_json",
]
