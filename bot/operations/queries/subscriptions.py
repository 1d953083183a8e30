"""`subscriptions`: what a channel is told, because people subscribed it or because the settings say so."""

from dataclasses import dataclass
from datetime import datetime

from bot.operations.backend import Backend
from bot.operations.model import Kind, Operation, Refusal, RequestContext
from bot.operations.outcomes import Answer, Done
from bot.operations.queries import Query
from bot.operations.subscribers import SUBSCRIBERS
from bot.settings import RouteSettings, ServerName
from bot.store import Subscription
from bot.veeam import JobId


class ListSubscriptions(Query, frozen=True, tag="subscriptions"):
    """What is this channel told, by whose wish?"""

    operation = Operation(
        name="subscriptions",
        usage="subscriptions",
        help="what this channel is told, and who subscribed it",
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
class SubscribedTo:
    """A subscription, and why it shows nothing at the moment, if so.

    Not `is_named`: its job, pattern or server is not for the person who looks. `job_name` is its job's by
    now.
    """

    subscription: Subscription
    refusal: Refusal | None = None
    is_named: bool = True
    job_name: str | None = None


@dataclass(frozen=True, slots=True)
class RoutedTo:
    """A route of the settings to the channel; not `is_named` where its globs are not for this person."""

    route: RouteSettings
    is_named: bool = True


@dataclass(frozen=True, slots=True)
class SubscriptionsAnswer(Answer):
    """What a channel is told. `is_choice`: one of these is to be ended, and it is not clear which."""

    subscriptions: tuple[SubscribedTo, ...]
    routes: tuple[RoutedTo, ...]
    as_of: datetime
    is_choice: bool = False


async def subscriptions_of(
    channel: str, backend: Backend, context: RequestContext
) -> tuple[SubscribedTo, ...]:
    """Return a channel's subscriptions, the oldest first. Raises `StoreError`."""
    found = []
    for each in await backend.subscriptions.of(channel):
        reach = await backend.subscribers.reach(each)
        name = each.pattern
        if each.server is not None and each.job_id is not None:
            name = backend.finder.name_at_hand(ServerName(each.server), JobId(each.job_id)) or name
        is_named = context.person.has_id(each.person_id) or _may_know(each, name, backend, context)
        found.append(SubscribedTo(each, reach.refusal, is_named, name))
    return tuple(found)


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
