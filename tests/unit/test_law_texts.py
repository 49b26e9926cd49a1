"""Rules as data, facts and deadlines as JSON, words in both languages, healing and what changed."""

import json
from datetime import date

import pytest
from pydantic import ValidationError

from services.intake.law import (
    Facts,
    FactsDocument,
    Healing,
    Privilege,
    Reason,
    Service,
    banner,
    deadlines,
    explain,
    facts_from_json,
    load_rules,
    load_texts,
    parse_rules,
    privilege,
    recompute,
    remaining_after_healing,
    to_json,
)
from shared.calendar import Calendar
from shared.contracts.codes import Banner, Basis, Evidence, TerminationType

RULES = load_rules()
TEXTS = load_texts()


def iso(text: str) -> date:
    return date.fromisoformat(text)


def test_every_rule_and_fact_has_words_in_both_languages() -> None:
    assert {rule.id for rule in RULES} == TEXTS["rule"].keys()
    facts = {trigger for rule in RULES for trigger in rule.trigger} | {"served_on", "filed_on"}
    assert facts == TEXTS["fact"].keys()
    for group in ("rule", "fact", "source", "step", "basis", "remark", "norm", "unit"):
        for key, text in TEXTS[group].items():
            assert text.keys() == {"de", "en"}, key


def test_a_deadline_explains_itself_in_german_and_english() -> None:
    facts = Facts(served=(Service(iso("2026-11-23"), Evidence.COURT),))
    schonfrist = next(d for d in deadlines(facts, RULES) if d.rule == "SCHONFRIST_END")
    said = explain(schonfrist, TEXTS)
    assert "Zustellung der Klage: Montag, 23.11.2026 (vom Gericht mitgeteilt)." in said.de
    assert "2 Monate später ist der Samstag, 23.01.2027 (§ 188 BGB)." in said.de
    assert "am nächsten Werktag, Montag, 25.01.2027" in said.de
    assert said.de.endswith("Grundlage: § 569 Abs. 3 Nr. 2 BGB, Regel SCHONFRIST_END in der Fassung 2001-09-01.")
    assert "Saturday 23 January 2027 is no working day" in said.en


def test_an_unconfirmed_date_and_a_bound_are_told_apart() -> None:
    word = Facts(eviction_at=iso("2027-04-09"), evidence={"eviction_at": Evidence.WORD})
    assert "Nur mündlich bekannt" in explain(deadlines(word, RULES)[0], TEXTS).de
    bound = deadlines(Facts(filed_on=iso("2026-11-02")), RULES)[0]
    assert "Sicherer frühester Wert" in explain(bound, TEXTS).de


def test_the_documented_example_is_read_and_answered() -> None:
    example = FactsDocument.model_config["json_schema_extra"]["examples"][0]  # type: ignore[index]  # pydantic types it as any JSON
    facts = facts_from_json(json.dumps(example))
    answers = {answer["rule"]: answer for answer in (to_json(each, TEXTS) for each in deadlines(facts, RULES))}
    schonfrist = json.loads(json.dumps(answers["SCHONFRIST_END"]))
    assert (schonfrist["date"], schonfrist["basis"]) == ("2027-01-25", "exact")
    assert schonfrist["norm"] == "§ 569 Abs. 3 Nr. 2 BGB"
    assert schonfrist["explanation"].keys() == {"de", "en"}
    assert answers["HEARING"]["date"] == "2027-01-14"


def test_every_documented_key_is_read() -> None:
    day = "2027-03-01"
    dated = [
        "filed_on",
        "hearing_at",
        "judgment_served_on",
        "default_judgment_served_on",
        "eviction_at",
        "eviction_date_served_on",
        "eviction_period_ends_on",
        "tenancy_ends_on",
        "today",
    ]
    facts = facts_from_json({**dict.fromkeys(dated, day), "served_on": day, "land": "NW", "landlord_land": "BE"})
    assert {name: facts.day(name) for name in dated} == dict.fromkeys(dated, iso(day))
    assert facts.served == (Service(iso(day), Evidence.DOCUMENT),)


def test_service_is_one_date_or_a_list() -> None:
    mixed = facts_from_json({"served_on": ["2026-11-23", None, {"on": "2026-11-30", "evidence": "WORD"}]})
    assert mixed.served == (
        Service(iso("2026-11-23"), Evidence.DOCUMENT),
        None,
        Service(iso("2026-11-30"), Evidence.WORD),
    )
    assert facts_from_json({}) == Facts()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"filed": "2026-11-02"}, "Extra inputs"),
        ({"filed_on": "2026-02-30"}, "valid date"),
        ({"land": "XX"}, "no German Land"),
        ({"filed_on": "2026-11-02", "served_on": "2026-11-01"}, "only after it was filed"),
        ({"evidence": {"weather": "WORD"}}, "names no fact"),
    ],
)
def test_wrong_facts_are_refused_with_a_reason(document: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        facts_from_json(document)


ROW = """
[[rule]]
id = "APPEAL"
version = "{version}"
valid_from = {valid_from}
trigger = ["judgment_served_on"]
direction = "{direction}"
period = {{ months = 1 }}
roll = "{roll}"
place = "court"
norm = "§ 517 ZPO"
who = "TENANT"
"""


def test_a_rule_table_that_cannot_be_right_is_refused() -> None:
    row = ROW.format(version="1", valid_from="2002-01-01", direction="forward", roll="next")
    with pytest.raises(ValueError, match="in force on the same day"):
        parse_rules(row + ROW.format(version="2", valid_from="2027-01-01", direction="forward", roll="next"))
    with pytest.raises(ValueError, match="never rolls"):
        parse_rules(ROW.format(version="1", valid_from="2002-01-01", direction="backward", roll="next"))
    with pytest.raises(ValueError, match="a period belongs"):
        parse_rules(ROW.format(version="1", valid_from="2002-01-01", direction="as_given", roll="none"))
    assert len(parse_rules(row)) == 1


def test_what_changed_and_why() -> None:
    filed = Facts(filed_on=iso("2026-11-02"))
    served = Facts(filed_on=iso("2026-11-02"), served=(Service(iso("2026-11-23"), Evidence.COURT),))
    heard = Facts(**{**{name: getattr(served, name) for name in ("filed_on", "served")}, "hearing_at": iso("2027-01-14")})
    before, after = deadlines(filed, RULES), deadlines(served, RULES)
    schonfrist = next(change for change in recompute(before, after) if change.rule == "SCHONFRIST_END")
    assert schonfrist.reason is Reason.FACT
    assert schonfrist.old is not None
    assert schonfrist.new is not None
    assert (schonfrist.old.basis, schonfrist.new.basis) == (Basis.LOWER_BOUND, Basis.EXACT)
    assert recompute(after, deadlines(served, RULES)) == ()
    assert {change.reason for change in recompute(after, deadlines(heard, RULES))} == {Reason.ADDED}
    assert {change.reason for change in recompute(deadlines(heard, RULES), after)} == {Reason.REMOVED}


def test_a_new_law_and_a_new_holiday_are_named_as_the_cause() -> None:
    facts = Facts(served=(Service(iso("2026-11-23"), Evidence.COURT),))
    before = deadlines(facts, RULES)
    law = tuple(rule.model_copy(update={"version": "2027-01-01"}) if rule.id == "SCHONFRIST_END" else rule for rule in RULES)
    assert [(c.rule, c.reason) for c in recompute(before, deadlines(facts, law))] == [("SCHONFRIST_END", Reason.RULE)]
    holiday = frozenset({iso("2027-01-25")})
    after = deadlines(facts, RULES, lambda land: Calendar(land, holiday))
    assert [(c.rule, c.reason) for c in recompute(before, after)] == [("SCHONFRIST_END", Reason.CALENDAR)]


@pytest.mark.parametrize(
    ("earlier", "state"),
    [
        ([], Privilege.AVAILABLE),
        ([Healing(healed_on=iso("2024-12-22"))], Privilege.EXHAUSTED),  # 23 months
        ([Healing(healed_on=iso("2024-10-22"))], Privilege.AVAILABLE),  # 25 months
        ([Healing(termination_received_on=iso("2024-11-22"))], Privilege.EXHAUSTED),  # two years to the day
        ([Healing(termination_received_on=iso("2024-11-21"))], Privilege.AVAILABLE),
        ([Healing()], Privilege.LEGAL_REVIEW),
        ([Healing(healed_on=iso("2025-11-22"), after_suit=False)], Privilege.LEGAL_REVIEW),
        ([Healing(healed_on=iso("2025-11-22"), after_suit=None)], Privilege.LEGAL_REVIEW),
        ([Healing(), Healing(healed_on=iso("2025-11-22"))], Privilege.EXHAUSTED),
    ],
)
def test_the_privilege(earlier: list[Healing], state: Privilege) -> None:
    assert privilege(earlier, iso("2026-11-22")) is state


def test_without_the_new_notice_s_date_only_a_clean_past_is_clear() -> None:
    assert privilege([], None) is Privilege.AVAILABLE
    assert privilege([Healing(healed_on=iso("2020-01-01"))], None) is Privilege.LEGAL_REVIEW


def test_a_healed_termination_leaves_the_ordinary_one() -> None:
    both = [TerminationType.EXTRAORDINARY_ARREARS, TerminationType.ORDINARY_BREACH]
    assert banner(both, healed=True) is Banner.ORDINARY_TERMINATION_REMAINS
    assert banner(both, healed=False) is None
    assert banner(both[:1], healed=True) is None
    assert remaining_after_healing(both) == {TerminationType.ORDINARY_BREACH}
    assert remaining_after_healing([TerminationType.EXTRAORDINARY_BREACH]) == {TerminationType.EXTRAORDINARY_BREACH}
