"""Referral on one screen: from a need to somebody who helps."""

from __future__ import annotations

from pathlib import Path

from services.referral import store
from services.referral.jobs import UndertakingAlarm, Watch
from services.referral.room import ReferralRoom
from services.referral.routes import routes
from services.referral.routing import Directory, ProviderKind, Service
from services.referral.settling import Policy
from shared import city
from shared.contracts.catalogue import ASSESSMENTS, CASES, HANDOVERS, HOUSEHOLDS, OFFERS, OUTCOMES, REFERRALS, REPLIES, VISITS
from shared.contracts.topics.handovers import HandoverRecalled
from shared.contracts.topics.offers import OfferWithdrawn
from shared.messaging.erasure import Forgetting
from shared.messaging.ids import new_id
from shared.messaging.replaced import ForgetReplaced
from shared.runtime import service
from shared.runtime.forgetting import forgetting_jobs, memory_of
from shared.runtime.service import Context, Job

_HERE = Path(__file__).parent


def build(ctx: Context) -> service.Service:
    """The service for one city."""
    room = ReferralRoom(policy_of(ctx.city), new_id)
    alarm = UndertakingAlarm(ctx.city.promises.undertaking_received_days_before, ctx.city.calendar, ctx.metrics)
    facts = [topic.name for topic in (CASES, HOUSEHOLDS, VISITS, ASSESSMENTS, OUTCOMES)]
    hears, says = [*facts, *service.family(REPLIES, ctx.city)], [OFFERS, HANDOVERS, REFERRALS]
    memory = memory_of(ctx, hears, says, keep=[OfferWithdrawn, HandoverRecalled])
    replaced = ForgetReplaced(memory, service.family(HANDOVERS, ctx.city), "referral_id", store.moved_referrals)
    return service.Service(
        name="referral",
        room=Forgetting(room, memory),
        hears=hears,
        says=says,
        jobs=[
            Job("offer_time_out", every_s=30, run=room.time_out),
            Job("undertaking_alarm", every_s=30, run=alarm.run),
            Job("watch", every_s=30, run=Watch(ctx.metrics).run),
            Job("replaced", every_s=5, run=replaced.run),
            *forgetting_jobs(ctx, memory),
        ],
        routes=routes,
        migrations=_HERE / "migrations",
        templates=_HERE / "pages",
        rest_s=0.05,  # nobody at the door waits for us
    )


def policy_of(of: city.City) -> Policy:
    """The city's promises and its providers' services."""
    return Policy(
        directory=Directory(
            tuple(
                Service(
                    code=each.code,
                    provider=provider.id,
                    kind=ProviderKind(provider.kind),
                    needs=each.needs,
                    districts=each.districts,
                    languages=frozenset(each.languages),
                    capacity=each.capacity,
                    basis=each.transmission_basis,
                    active=each.active,
                    benefits=each.benefits,
                )
                for provider in of.providers
                for each in provider.services
            )
        ),
        calendar=of.calendar,
        cut_off=of.promises.assign_cut_off,
        answer_days=of.promises.provider_answer_days,
        urgent_answer_days=of.promises.urgent_referral.provider_answer_days,
        urgent_below=of.promises.urgent_referral.slack_below,
        tries=1 + of.referrals.reroutes,
    )
