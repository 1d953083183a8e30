"""`subscriptions`: what is posted to a channel, because people subscribed it or the settings say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.operations.backend import Backend
from bot.operations.model import Kind, Operation, RequestContext
from bot.operations.outcomes import Answer, Done, SubscribedTo
from bot.operations.queries import Query
from bot.operations.subscribers import SUBSCRIBERS
from bot.settings import RouteSettings, ServerName
from bot.store import Subscription
from bot.veeam import JobId, VeeamServer

_NAMES_WITHIN_SECONDS = 3.0


class ListSubscriptions(Query, frozen=True, tag="subscriptions"):
    """What is posted to this channel, and who asked for it?"""

    operation = Operation(
        name="subscriptions",
        usage="subscriptions",
        help="what is posted to this channel, and who subscribed it",
        kind=Kind.QUERY,
        audit_name="subscriptions.list",
        roles=SUBSCRIBERS,
        examples=("subscriptions",),
    )
    option_words = frozenset[str]()

    async def answer(self, backend: Backend, context: RequestContext) -> Done:
        """Return the channel's subscriptions and the settings' routes to it, as the person may know of them.

        Raises `StoreError`.
        """
        channel = context.gesture.channel_id
        if channel is None:
            return Done(SubscriptionsAnswer((), (), backend.clock.now()))
        return Done(
            SubscriptionsAnswer(
                await subscriptions_of(channel, backend, context),
                _routes_of(channel, backend, context),
                backend.clock.now(),
            )
        )


@dataclass(frozen=True, slots=True)
class RoutedTo:
    """A route of the settings to the channel; not `is_named` where its globs are not for this person."""

    route: RouteSettings
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionsAnswer(Answer):
    """What is posted to a channel. `is_choice`: one of these is to be ended, and it was not said which."""

    subscriptions: tuple[SubscribedTo, ...]
    routes: tuple[RoutedTo, ...]
    as_of: datetime
    is_choice: bool = False


async def subscriptions_of(
    channel: str, backend: Backend, context: RequestContext
) -> tuple[SubscribedTo, ...]:
    """Return a channel's subscriptions, the oldest first. Raises `StoreError`."""
    kept = await backend.subscriptions.of(channel)
    names = await _names_now(kept, backend)
    found = []
    for each in kept:
        reach = await backend.subscribers.reach(each)
        name = names.get(each.id, each.pattern)
        is_named = context.person.has_id(each.person_id) or _may_know(each, name, backend, context)
        may_end = await backend.subscribers.may_end(context.person, each, name)
        refusal = reach.refusal_of(each, name)
        found.append(SubscribedTo(each, refusal, is_named, name, may_end=may_end.is_allowed))
    return tuple(found)


async def _names_now(kept: Sequence[Subscription], backend: Backend) -> dict[int, str]:
    """What the jobs are called that are subscribed to, as VBR says; else as its names were read last."""
    of_jobs = [(each.id, each.server, JobId(each.job_id)) for each in kept if each.server and each.job_id]
    servers = {name for name in backend.fleet.names if any(server == name for _, server, _ in of_jobs)}

    async def ask(vbr: VeeamServer) -> dict[JobId, str]:
        wanted = [job_id for _, server, job_id in of_jobs if server == vbr.name]
        states = [(job_id, await vbr.job_state(job_id)) for job_id in wanted]
        return {job_id: state.name for job_id, state in states if state is not None}

    answer = await backend.fleet.ask(ask, servers, limit_seconds=_NAMES_WITHIN_SECONDS)
    names = {}
    for each, server, job_id in of_jobs:
        name = answer.answers.get(ServerName(server), {}).get(job_id)
        if name := name or backend.finder.name_at_hand(ServerName(server), job_id):
            names[each] = name
    return names


def _may_know(each: Subscription, name: str | None, backend: Backend, context: RequestContext) -> bool:
    """Whether the person may know of the server and of the job, or of all that a pattern may mean."""
    if each.server is not None and each.job_id is not None:
        return context.visibility.sees(each.server, name or "")
    servers = ("*",) if each.server is None else (each.server,)
    names = () if name is None else (name,)
    return context.visibility.sees_globs(servers, names, backend.fleet.names)


def _routes_of(channel: str, backend: Backend, context: RequestContext) -> tuple[RoutedTo, ...]:
    return tuple(
        RoutedTo(route, context.visibility.sees_globs(route.servers, route.jobs, backend.fleet.names))
        for route in backend.routes
        if route.channel == channel
    )
