"""The code lists of events. German terms of art stand beside the English names; sources in docs/architecture/codes.md."""

from enum import StrEnum

from shared.messaging.model import Answer

__all__ = ["Answer"]


class Channel(StrEnum):
    """How a message reached the city (Eingangsweg).

    Source: MiZi IV/1 (form), XJustiz 3.6; the rest Bleibe.
    """

    MIZI_FORM = "MIZI_FORM"
    XJUSTIZ = "XJUSTIZ"
    PARTNER_JSON = "PARTNER_JSON"
    CSV = "CSV"
    BAILIFF = "BAILIFF"
    LANDLORD = "LANDLORD"
    SELF = "SELF"
    PROVIDER = "PROVIDER"
    AUTHORITY = "AUTHORITY"


class LegalBasis(StrEnum):
    """The norm that allows the sender to tell the city.

    Source: § 22 IX SGB II, § 36 II SGB XII, § 130 III GVGA, § 20 EGGVG, Art. 6 I a and f GDPR.
    """

    SGB2_22_9 = "SGB2_22_9"
    SGB12_36_2 = "SGB12_36_2"
    GVGA_130_3 = "GVGA_130_3"
    EGGVG_20 = "EGGVG_20"
    CONSENT = "CONSENT"
    GDPR_6_1_F = "GDPR_6_1_F"
    OWN_REQUEST = "OWN_REQUEST"


class Origin(StrEnum):
    """On whose word a message rests where it is not the sender's own (im Auftrag von).

    Source: Bleibe.
    """

    COURT = "COURT"
    BAILIFF = "BAILIFF"
    LANDLORD = "LANDLORD"
    HOUSEHOLD = "HOUSEHOLD"
    PROVIDER = "PROVIDER"
    AUTHORITY = "AUTHORITY"


class Evidence(StrEnum):
    """What a reported date rests on. WORD never moves a deadline later.

    Source: Bleibe, after § 569 III Nr. 2 BGB (the period runs from service).
    """

    COURT = "COURT"
    DOCUMENT = "DOCUMENT"
    WORD = "WORD"


class Basis(StrEnum):
    """Whether a deadline is exact or the safe lower bound.

    Source: Bleibe.
    """

    EXACT = "exact"
    LOWER_BOUND = "lower_bound"


class TerminationType(StrEnum):
    """Kündigung: §§ 543, 569, 573 BGB.

    Source: §§ 543, 569, 573 BGB.
    """

    EXTRAORDINARY_ARREARS = "EXTRAORDINARY_ARREARS"
    EXTRAORDINARY_DEPOSIT = "EXTRAORDINARY_DEPOSIT"
    EXTRAORDINARY_BREACH = "EXTRAORDINARY_BREACH"
    ORDINARY_BREACH = "ORDINARY_BREACH"
    ORDINARY_OWN_USE = "ORDINARY_OWN_USE"
    ORDINARY_EXPLOITATION = "ORDINARY_EXPLOITATION"


class LandlordKind(StrEnum):
    """Vermieter.

    Source: Bleibe.
    """

    COMPANY = "COMPANY"
    PRIVATE = "PRIVATE"
    UNKNOWN = "UNKNOWN"


class HearingStatus(StrEnum):
    """Termin zur mündlichen Verhandlung.

    Source: §§ 216, 227 ZPO.
    """

    SET = "SET"
    CANCELLED = "CANCELLED"


class ProceedingOutcome(StrEnum):
    """Ausgang des Verfahrens.

    Source: § 20 I EGGVG; ZPO §§ 269, 278, 300, 331; § 569 III Nr. 2 BGB.
    """

    WITHDRAWN = "WITHDRAWN"
    DISMISSED = "DISMISSED"
    SETTLED = "SETTLED"
    DEFAULT_JUDGMENT = "DEFAULT_JUDGMENT"
    JUDGMENT = "JUDGMENT"
    HEALED = "HEALED"


class EvictionStatus(StrEnum):
    """Räumungstermin (GVGA § 128, § 130; § 765a ZPO).

    Source: §§ 128, 130 GVGA; § 765a ZPO.
    """

    SET = "SET"
    CANCELLED = "CANCELLED"
    STAYED = "STAYED"
    EXECUTED = "EXECUTED"


class CaseStatus(StrEnum):
    """Fallstatus: open until an outcome closes it.

    Source: Bleibe.
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    MERGED = "MERGED"


class Stage(StrEnum):
    """Verfahrensstand, in rising order, then the side exits. A rule over facts, see services/intake/stage.py.

    Source: Bleibe, after §§ 253, 261, 272, 300, 721, 885 ZPO and § 569 III Nr. 2 BGB.
    """

    NONE = "NONE"
    ARREARS_WARNING = "ARREARS_WARNING"
    TERMINATED = "TERMINATED"
    SUIT_FILED = "SUIT_FILED"
    LIS_PENDENS = "LIS_PENDENS"
    HEARING_SET = "HEARING_SET"
    TITLE = "TITLE"
    EVICTION_PERIOD = "EVICTION_PERIOD"
    EVICTION_DATE_SET = "EVICTION_DATE_SET"
    EVICTED = "EVICTED"
    HEALED = "HEALED"
    WITHDRAWN = "WITHDRAWN"
    DISMISSED = "DISMISSED"
    STAYED = "STAYED"


class CaseChange(StrEnum):
    """What a `cases` event changed. LAW and CALENDAR stand beside DEADLINES where a rule or a holiday changed, and no fact.

    Source: Bleibe.
    """

    OPENED = "OPENED"
    ARREARS_WARNING = "ARREARS_WARNING"
    TERMINATION = "TERMINATION"
    SUIT = "SUIT"
    SERVICE = "SERVICE"
    HEARING = "HEARING"
    PROCEEDING_OUTCOME = "PROCEEDING_OUTCOME"
    EVICTION = "EVICTION"
    UNDERTAKING = "UNDERTAKING"
    SELF_REPORT = "SELF_REPORT"
    PERSONS = "PERSONS"
    CORRECTION = "CORRECTION"
    REVOCATION = "REVOCATION"
    DEADLINES = "DEADLINES"
    LAW = "LAW"
    CALENDAR = "CALENDAR"
    CLOSED = "CLOSED"
    REOPENED = "REOPENED"
    MERGED = "MERGED"
    SPLIT = "SPLIT"


class Banner(StrEnum):
    """What a caseworker must not overlook.

    Source: Bleibe; BGH VIII ZR 91/20 for ORDINARY_TERMINATION_REMAINS; § 569 III Nr. 2 S. 2 BGB for SCHONFRIST_*.
    """

    ORDINARY_TERMINATION_REMAINS = "ORDINARY_TERMINATION_REMAINS"
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE"
    ARREARS_BELOW_THRESHOLD = "ARREARS_BELOW_THRESHOLD"
    SCHONFRIST_EXHAUSTED = "SCHONFRIST_EXHAUSTED"
    SCHONFRIST_LEGAL_REVIEW = "SCHONFRIST_LEGAL_REVIEW"


class MoneyBand(StrEnum):
    """Arrears at notice, in euros.

    Source: Bleibe.
    """

    UNDER_1000 = "UNDER_1000"
    FROM_1000 = "FROM_1000"
    FROM_2000 = "FROM_2000"
    FROM_3000 = "FROM_3000"
    FROM_5000 = "FROM_5000"
    UNKNOWN = "UNKNOWN"


class Disclosure(StrEnum):
    """Who may read an address: a separated partner never reads the other's new one.

    Source: Bleibe, after § 51 BMG (Auskunftssperre) and § 35 SGB I.
    """

    HOUSEHOLD = "HOUSEHOLD"
    PERSON_ONLY = "PERSON_ONLY"
    BLOCKED = "BLOCKED"


class Promise(StrEnum):
    """Within how many working days the first attempt is promised (domain: T4).

    Source: Bleibe; targets to be agreed with the city.
    """

    WD5 = "WD5"
    WD2 = "WD2"
    WD1 = "WD1"


class ObligationReason(StrEnum):
    """Why a visit is owed (Besuchsauftrag).

    Source: City of Münster, Wohnraumsicherung: every household known through a suit is visited.
    """

    SUIT = "SUIT"
    EVICTION_DATE = "EVICTION_DATE"
    TITLE_NEVER_MET = "TITLE_NEVER_MET"


class NoVisitReason(StrEnum):
    """Why a defendant of a suit carries no obligation.

    Source: Bleibe.
    """

    OUTSIDE_CITY = "OUTSIDE_CITY"
    ADDRESS_UNKNOWN = "ADDRESS_UNKNOWN"
    DECEASED = "DECEASED"
    NOTICE_REVOKED = "NOTICE_REVOKED"
    CASE_CLOSED = "CASE_CLOSED"


class ObligationClose(StrEnum):
    """How an obligation ended.

    Source: Bleibe.
    """

    MET = "MET"
    REFUSED_INFORMED = "REFUSED_INFORMED"
    EXHAUSTED = "EXHAUSTED"
    WAIVED = "WAIVED"
    VOID = "VOID"


class WaiverReason(StrEnum):
    """Coded reason of a waiver or of a void obligation; a waiver needs a second person.

    Source: Bleibe.
    """

    HOUSEHOLD_WANTS_NO_VISIT = "HOUSEHOLD_WANTS_NO_VISIT"
    MOVED_OUT_CONFIRMED = "MOVED_OUT_CONFIRMED"
    DECEASED = "DECEASED"
    UNSAFE = "UNSAFE"
    NOTICE_REVOKED = "NOTICE_REVOKED"
    COVERED_ELSEWHERE = "COVERED_ELSEWHERE"
    CASE_ERASED = "CASE_ERASED"


class AttemptResult(StrEnum):
    """Besuchsversuch. NOT_MET alone counts towards the three.

    Source: Bleibe.
    """

    MET = "MET"
    NOT_MET = "NOT_MET"
    REFUSED_AT_DOOR = "REFUSED_AT_DOOR"
    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    MOVED_OUT = "MOVED_OUT"
    DECEASED = "DECEASED"
    UNSAFE_ABORTED = "UNSAFE_ABORTED"
    LANGUAGE_BARRIER_ABORTED = "LANGUAGE_BARRIER_ABORTED"
    MINOR_ONLY = "MINOR_ONLY"


class Window(StrEnum):
    """Besuchsfenster.

    Source: Bleibe.
    """

    MORNING = "08-12"
    AFTERNOON = "12-16"
    EVENING = "16-19"


class ContactKind(StrEnum):
    """Contact that is never a visit.

    Source: HUD HMIS 2026, 4.19.3, adapted.
    """

    TELEPHONE = "TELEPHONE"
    OFFICE = "OFFICE"
    LETTER = "LETTER"
    THIRD_PARTY = "THIRD_PARTY"


class LegalFact(StrEnum):
    """A legal fact somebody other than the court told us of.

    Source: §§ 128, 130 GVGA, §§ 166, 216, 317, 331 ZPO.
    """

    SERVED = "SERVED"
    HEARING_SET = "HEARING_SET"
    EVICTION_DATE = "EVICTION_DATE"
    JUDGMENT_SERVED = "JUDGMENT_SERVED"
    DEFAULT_JUDGMENT_SERVED = "DEFAULT_JUDGMENT_SERVED"


class AdviceTopic(StrEnum):
    """What was talked about at the door.

    Source: Bleibe.
    """

    SCHONFRIST = "SCHONFRIST"
    ARREARS_ASSUMPTION = "ARREARS_ASSUMPTION"
    BENEFITS = "BENEFITS"
    DEFENCE = "DEFENCE"
    INSTALMENTS = "INSTALMENTS"
    ENFORCEMENT_PROTECTION = "ENFORCEMENT_PROTECTION"
    REHOUSING = "REHOUSING"
    DEBT_ADVICE = "DEBT_ADVICE"


class ArrearsCause(StrEnum):
    """Ursache der Mietrückstände.

    Source: Destatis Überschuldungsstatistik (Hauptauslöser) for the first six, the rest Bleibe; missing answers as HUD HMIS.
    """

    UNEMPLOYMENT = "UNEMPLOYMENT"
    ILLNESS_ADDICTION_ACCIDENT = "ILLNESS_ADDICTION_ACCIDENT"
    SEPARATION_DIVORCE_DEATH = "SEPARATION_DIVORCE_DEATH"
    BUDGETING = "BUDGETING"
    FAILED_SELF_EMPLOYMENT = "FAILED_SELF_EMPLOYMENT"
    LOW_INCOME_LONG_TERM = "LOW_INCOME_LONG_TERM"
    BENEFIT_NOT_CLAIMED = "BENEFIT_NOT_CLAIMED"
    BENEFIT_DELAY_OR_PROCESSING = "BENEFIT_DELAY_OR_PROCESSING"
    BENEFIT_SANCTION_OR_STOP = "BENEFIT_SANCTION_OR_STOP"
    KDU_CAP_GAP = "KDU_CAP_GAP"
    RENT_INCREASE = "RENT_INCREASE"
    UTILITY_BACKPAYMENT = "UTILITY_BACKPAYMENT"
    ENERGY_DEBT = "ENERGY_DEBT"
    OTHER_DEBT_GARNISHMENT = "OTHER_DEBT_GARNISHMENT"
    JOB_CHANGE_REDUCED_HOURS = "JOB_CHANGE_REDUCED_HOURS"
    BIRTH_HOUSEHOLD_FOUNDING = "BIRTH_HOUSEHOLD_FOUNDING"
    CHILD_LEFT_HOUSEHOLD = "CHILD_LEFT_HOUSEHOLD"
    MENTAL_HEALTH_MAIL_UNOPENED = "MENTAL_HEALTH_MAIL_UNOPENED"
    LANGUAGE_BARRIER = "LANGUAGE_BARRIER"
    GUARDIAN_FAILURE = "GUARDIAN_FAILURE"
    RENT_WITHHELD_DEFECT = "RENT_WITHHELD_DEFECT"
    PAYMENT_ERROR_LANDLORD_CHANGE = "PAYMENT_ERROR_LANDLORD_CHANGE"
    DETENTION_HOSPITAL_ABSENCE = "DETENTION_HOSPITAL_ABSENCE"
    FRAUD_OR_ABUSE_BY_THIRD = "FRAUD_OR_ABUSE_BY_THIRD"
    UNWILLING = "UNWILLING"
    OTHER = "OTHER"
    NOT_ASKED = "NOT_ASKED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


class AssertedBy(StrEnum):
    """Who named a cause.

    Source: Bleibe.
    """

    TENANT = "TENANT"
    CASEWORKER = "CASEWORKER"
    LANDLORD = "LANDLORD"


class Need(StrEnum):
    """Hilfebedarf: what a household is referred for.

    Source: Bleibe; §§ 67 ff. SGB XII, § 22 VIII SGB II, § 36 I SGB XII, § 71 III SGB X.
    """

    ARREARS_ASSUMPTION = "ARREARS_ASSUMPTION"
    BENEFIT_CLAIM = "BENEFIT_CLAIM"
    DEBT_COUNSELLING = "DEBT_COUNSELLING"
    LEGAL_ADVICE = "LEGAL_ADVICE"
    HOUSING_SUPPORT_67 = "HOUSING_SUPPORT_67"
    WOMEN = "WOMEN"
    ADDICTION = "ADDICTION"
    MENTAL_HEALTH = "MENTAL_HEALTH"
    GUARDIANSHIP = "GUARDIANSHIP"
    FAMILY_CHILD = "FAMILY_CHILD"
    REHOUSING = "REHOUSING"
    EMERGENCY_ACCOMMODATION = "EMERGENCY_ACCOMMODATION"
    MIGRATION_LANGUAGE = "MIGRATION_LANGUAGE"
    MEDIATION_LANDLORD = "MEDIATION_LANDLORD"


class NeedGroup(StrEnum):
    """What a fact topic may say of a need: the kind of help, never the person's condition.

    Source: Bleibe.
    """

    MONEY = "MONEY"
    ADVICE = "ADVICE"
    SUPPORT = "SUPPORT"
    HOUSING = "HOUSING"


class HouseholdType(StrEnum):
    """Haushaltsform (Wohnungslosenbericht).

    Source: Wohnungslosenberichterstattungsgesetz § 4 and its survey in practice.
    """

    SINGLE = "SINGLE"
    SINGLE_PARENT = "SINGLE_PARENT"
    COUPLE = "COUPLE"
    COUPLE_WITH_CHILDREN = "COUPLE_WITH_CHILDREN"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class Benefit(StrEnum):
    """Leistungsbezug.

    Source: SGB II, SGB XII, WoGG.
    """

    SGB2 = "SGB2"
    SGB12 = "SGB12"
    HOUSING_BENEFIT = "HOUSING_BENEFIT"
    NONE = "NONE"
    UNKNOWN = "UNKNOWN"


class ConsentPurpose(StrEnum):
    """What a consent (Einwilligung) allows.

    Source: § 67b II SGB X, Art. 9 II a GDPR.
    """

    REFERRAL = "REFERRAL"
    HEALTH_DATA = "HEALTH_DATA"


class ConsentForm(StrEnum):
    """§ 67b II SGB X: written or electronic for health data.

    Source: § 67b II SGB X.
    """

    WRITTEN = "WRITTEN"
    ELECTRONIC = "ELECTRONIC"
    ORAL = "ORAL"


class TransmissionBasis(StrEnum):
    """Übermittlungsbefugnis of a handover.

    Source: § 69 I Nr. 1 and § 67b SGB X.
    """

    SGB10_69_1_1 = "SGB10_69_1_1"
    CONSENT = "CONSENT"


class ReplyRejection(StrEnum):
    """Why a provider declines an offer.

    Source: Bleibe, after the three-way split of HUD HMIS 2026, 4.20.D.
    """

    NO_CAPACITY = "NO_CAPACITY"
    OUT_OF_AREA = "OUT_OF_AREA"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    WRONG_SERVICE = "WRONG_SERVICE"
    SAFETY = "SAFETY"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    OTHER = "OTHER"


class ReferralState(StrEnum):
    """Vermittlung.

    Source: Bleibe, after HUD HMIS 2026, 4.20.D.
    """

    CONSENT_PENDING = "CONSENT_PENDING"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    STARTED = "STARTED"
    ENDED = "ENDED"
    REJECTED_BY_PROVIDER = "REJECTED_BY_PROVIDER"
    DECLINED_BY_HOUSEHOLD = "DECLINED_BY_HOUSEHOLD"
    TIMED_OUT = "TIMED_OUT"
    RECALLED = "RECALLED"
    ESCALATED = "ESCALATED"
    DECIDED = "DECIDED"


class SupportResult(StrEnum):
    """How support ended.

    Source: Bleibe.
    """

    GOAL_REACHED = "GOAL_REACHED"
    PARTLY_REACHED = "PARTLY_REACHED"
    BROKEN_OFF = "BROKEN_OFF"
    NOT_NEEDED = "NOT_NEEDED"


class ApplicationDecision(StrEnum):
    """What an authority decided on an application (§ 22 VIII SGB II, § 36 I SGB XII).

    Source: § 22 VIII SGB II, § 36 I SGB XII.
    """

    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class WithdrawReason(StrEnum):
    """Why an offer, a handover or an assignment is taken back.

    Source: Bleibe.
    """

    ANSWERED_ELSEWHERE = "ANSWERED_ELSEWHERE"
    TIMED_OUT = "TIMED_OUT"
    CONSENT_WITHDRAWN = "CONSENT_WITHDRAWN"
    CASE_CLOSED = "CASE_CLOSED"
    CASE_ERASED = "CASE_ERASED"
    OBLIGATION_CLOSED = "OBLIGATION_CLOSED"
    REASSIGNED = "REASSIGNED"
    DECLINED_BY_HOUSEHOLD = "DECLINED_BY_HOUSEHOLD"
    NO_LONGER_NEEDED = "NO_LONGER_NEEDED"
    CASE_MOVED = "CASE_MOVED"


class Outcome(StrEnum):
    """How a case ended: exactly one at closing.

    Source: City of Münster's public summary; HUD HMIS 2026, W5.1; UK H-CLIC, prevention duty ended.
    """

    TENANCY_KEPT_ARREARS_PAID_SELF = "TENANCY_KEPT_ARREARS_PAID_SELF"
    TENANCY_KEPT_ASSUMPTION_SGB2 = "TENANCY_KEPT_ASSUMPTION_SGB2"
    TENANCY_KEPT_ASSUMPTION_SGB12 = "TENANCY_KEPT_ASSUMPTION_SGB12"
    TENANCY_KEPT_INSTALMENTS = "TENANCY_KEPT_INSTALMENTS"
    TENANCY_KEPT_SETTLEMENT = "TENANCY_KEPT_SETTLEMENT"
    TENANCY_KEPT_SUIT_WITHDRAWN = "TENANCY_KEPT_SUIT_WITHDRAWN"
    TENANCY_KEPT_SUIT_DISMISSED = "TENANCY_KEPT_SUIT_DISMISSED"
    TENANCY_KEPT_NEW_CONTRACT = "TENANCY_KEPT_NEW_CONTRACT"
    MOVED_NEW_TENANCY_WITH_HELP = "MOVED_NEW_TENANCY_WITH_HELP"
    MOVED_NEW_TENANCY_SELF = "MOVED_NEW_TENANCY_SELF"
    MOVED_SUPPORTED_HOUSING = "MOVED_SUPPORTED_HOUSING"
    STAYING_FAMILY_FRIENDS_TEMP = "STAYING_FAMILY_FRIENDS_TEMP"
    STAYING_FAMILY_FRIENDS_PERM = "STAYING_FAMILY_FRIENDS_PERM"
    CARE_OR_HOSPITAL = "CARE_OR_HOSPITAL"
    DETENTION = "DETENTION"
    EMERGENCY_ACCOMMODATION = "EMERGENCY_ACCOMMODATION"
    ROUGH_SLEEPING = "ROUGH_SLEEPING"
    EVICTED_WHEREABOUTS_UNKNOWN = "EVICTED_WHEREABOUTS_UNKNOWN"
    CONTACT_LOST = "CONTACT_LOST"
    OFFER_DECLINED = "OFFER_DECLINED"
    NEVER_REACHED = "NEVER_REACHED"
    MOVED_AWAY_OTHER_MUNICIPALITY = "MOVED_AWAY_OTHER_MUNICIPALITY"
    DECEASED = "DECEASED"
    NOT_THREATENED = "NOT_THREATENED"
    DUPLICATE = "DUPLICATE"
    NOTICE_REVOKED = "NOTICE_REVOKED"


class Alarm(StrEnum):
    """Why a plan is not what was promised.

    Source: Bleibe.
    """

    AFTER_PROMISE = "AFTER_PROMISE"
    AFTER_DEADLINE = "AFTER_DEADLINE"
    NO_CASEWORKER = "NO_CASEWORKER"
    NO_SLOT = "NO_SLOT"
    NEEDS_CLARIFICATION = "NEEDS_CLARIFICATION"
