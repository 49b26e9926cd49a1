"""Intake as the pipeline sees it: a batch's households on a desk, one decision per message, all saved at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from uuid import UUID

from pydantic import BaseModel

from services.intake import alike, doubt_store, store
from services.intake.addresses import Located, gazetteer, locate_normal, normalise
from services.intake.alike import Form
from services.intake.casefile import Clockwork
from services.intake.decisions import take_fact, take_notice, take_outcome
from services.intake.desk import Desk
from services.intake.facts import Rank, Statement, rank_of, stated
from services.intake.law import deadlines, load_rules
from services.intake.likeness import likely, unpacked
from services.intake.matching import docket_of, household_keys
from services.intake.persons import Atlas
from services.intake.plausible import check
from shared.calendar import Calendar
from shared.city import City, Partner
from shared.contracts.fields import Event
from shared.contracts.topics.notices import Notice, NoticeCorrected, NoticeRevoked
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import Address
from shared.contracts.topics.referrals import UndertakingSent
from shared.contracts.topics.visits import LegalFactSeen, ReportCorrected
from shared.messaging.erasure import Gone
from shared.messaging.ids import new_id
from shared.messaging.model import Decision, Heard, Rejected, Tx
from shared.runtime.clock import BERLIN


def atlas_of(city: City) -> Atlas:
    """What a city knows of addresses. A house elsewhere is told apart from one of the same street name here."""
    known = gazetteer(city)

    def find(address: Address) -> tuple[str, Located]:
        normal = normalise(address)
        located = locate_normal(normal, known)
        return normal.key if located.in_city else f"{normal.key}, {normal.postcode} {normal.place}", located

    return Atlas(find)


def calendars_of(city: City) -> Callable[[str], Calendar]:
    """The calendar of a Land: the city's own knows the holidays that the city adds."""
    return lambda land: city.calendar if land == city.land else Calendar(land)


def clockwork_of(city: City) -> Clockwork:
    """The legal clock with today's rules, by the holidays of the city and of every other Land.

    Many suits are filed and served on the same days: what they lead to is remembered. Facts are days, they name nobody.
    """
    rules = tuple(load_rules())
    return lru_cache(maxsize=1024)(lambda facts: deadlines(facts, rules, calendars_of(city)))


@dataclass(slots=True)
class IntakeRoom:
    """Hears notices and the legal facts that other services meet; says cases and households.

    `person_hash` is the keyed hash under which a person's match key outlives an erasure; None: nothing is looked up.
    """

    city: City
    new_id: Callable[[], UUID] = new_id
    person_hash: Callable[[str], bytes] | None = None
    _atlas: Atlas = field(init=False)
    _clockwork: Clockwork = field(init=False)
    _partners: dict[str, Partner] = field(init=False)

    def __post_init__(self) -> None:
        self._atlas = atlas_of(self.city)
        self._clockwork = clockwork_of(self.city)
        self._partners = {partner.ce_source: partner for partner in self.city.partners}

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Desk:
        """Lock, then read: first what notices refer to, then whom they lead to."""
        desk = self.blank(now)
        atlas = desk.atlas
        notices = [(each, each.data) for each in heard if isinstance(each.data, Notice)]
        said = [(each.source, each.id) for each, _ in notices]
        refs = [(each.source, target) for each, data in notices if (target := _target(data)) is not None]
        await store.lock(tx, store.NOTICES, (f"notice|{source}|{each}" for source, each in said + refs))
        earlier = await store.connected(tx, said + refs, ())
        contents = [stated(each) for each in (*(one.content for one in earlier), *(data for _, data in notices))]
        dockets = {docket for each in contents if (docket := docket_of(each)) is not None}
        keys = sorted(dockets.union(*(household_keys(each, atlas.key) for each in contents)))
        forms = list(dict.fromkeys(desk.form(record) for each in contents for _, record in alike.records(each)))
        await store.lock(tx, store.MATCH_KEYS, [*keys, *(f"like|{key}" for form in forms for key in form.keys)])
        waiting = await store.connected(tx, said + refs if earlier else [], sorted(dockets))  # they are locked: none has come
        for statement in waiting:
            desk.put(statement)
        cases = {each.case_id for each in waiting if each.case_id is not None}
        cases |= {each.data.case_id for each in heard if isinstance(each.data, _OURS)}
        await store.load(tx, desk, keys, sorted(cases), sorted(_likely(forms, await doubt_store.nearest(tx, forms))))
        await self.remember(tx, desk, {*keys, *desk.keys} - dockets)
        return desk

    def blank(self, now: datetime) -> Desk:
        """An empty desk."""
        atlas = Atlas(cache(self._atlas.find))
        return Desk(now.astimezone(BERLIN).date(), atlas, self._clockwork, self.new_id)

    async def remember(self, tx: Tx, desk: Desk, persons: Iterable[str]) -> None:
        """Lay on the desk what outlived the erasure of people, by their match keys."""
        if self.person_hash is not None:
            hashes = {self.person_hash(key): key for key in persons}
            desk.healed = {hashes[person]: found for person, found in (await store.healed(tx, list(hashes))).items()}

    def decide(self, state: Desk, heard: Heard) -> Decision:
        """Decide one message. Raises Rejected for a notice that breaks a rule."""
        data = heard.data
        if isinstance(data, Notice):
            return self._notice(state, heard, data)
        if isinstance(data, OutcomeRecorded):
            return take_outcome(state, data)
        if isinstance(data, LegalFactSeen | ReportCorrected):
            refers_to = data.corrects if isinstance(data, ReportCorrected) else None
            if refers_to is not None and (heard.source, refers_to) not in state.statements:
                return Decision()
            rank = Rank[data.evidence] if isinstance(data, LegalFactSeen) else Rank.WORD
            return take_fact(state, _statement(heard, data.report_id, data, rank, case_id=data.case_id, refers_to=refers_to))
        if isinstance(data, UndertakingSent):
            return take_fact(state, _statement(heard, heard.id, data, Rank.DOCUMENT, case_id=data.case_id))
        return Decision()

    def _notice(self, state: Desk, heard: Heard, notice: Notice) -> Decision:
        partner = self._partners[heard.source]
        kind = getattr(stated(notice), "kind", None)
        if kind is not None and kind not in partner.sends:
            raise Rejected("type", "kind_not_allowed")
        check(notice, state.today)
        rank = rank_of(partner.kind, Rank[partner.rank], notice.on_behalf_of, notice)
        statement = Statement(
            source=heard.source,
            id=heard.id,
            content=notice,
            rank=rank,
            received_on=notice.received(),
            recorded_at=notice.recorded_at,
            refers_to=_target(notice),
        )
        return take_notice(state, statement, partner.kind)

    async def save(self, tx: Tx, state: Desk) -> None:
        """Write what the decisions changed."""
        await store.save(tx, state)

    def gone(self, state: Desk) -> Gone:  # noqa: ARG002  as every room
        """Nothing: no message erases here, people and the clock do; see jobs.py."""
        return Gone()


_OURS = (LegalFactSeen, ReportCorrected, UndertakingSent, OutcomeRecorded)


def _likely(forms: Sequence[Form], near: Iterable[tuple[int, UUID, UUID, str]]) -> set[UUID]:
    """The households that are worth a closer look: one of their people may be one of these."""
    known = cache(unpacked)
    found: set[UUID] = set()
    for n, household_id, _, text in near:
        if household_id not in found and likely(forms[n].normal, known(text)) is not None:
            found.add(household_id)
    return found


def refers_to(heard: Heard) -> Iterable[UUID]:
    """The notice that one corrects or revokes."""
    target = None if heard.data is None else _target(heard.data)
    return () if target is None else (target,)


def _target(notice: BaseModel) -> UUID | None:
    if isinstance(notice, NoticeCorrected):
        return notice.corrects
    return notice.revokes if isinstance(notice, NoticeRevoked) else None


def _statement(
    heard: Heard, statement_id: UUID, content: Event, rank: Rank, *, case_id: UUID, refers_to: UUID | None = None
) -> Statement:
    """A legal fact from a service of ours; the city has it from the moment the service wrote it."""
    day = heard.time.astimezone(BERLIN).date()
    return Statement(heard.source, statement_id, content, rank, day, heard.time, case_id, refers_to)
