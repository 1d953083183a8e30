"""`subscribe`: have runs posted to a channel, by a person and where that person has the role for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from bot.operations.actions import BotAction, PreparedChange
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.jobs import FoundJob
from bot.operations.matching import means_everything
from bot.operations.model import JobRef, Kind, NamedJob, Operation, RequestContext, Visibility
from bot.operations.outcomes import Answer, Done, NoSubscription, NotFound, NotSubscribed, Outcome
from bot.operations.permissions import Permission, Scope
from bot.operations.subscribers import (
    DEFAULT_RESULTS,
    SUBSCRIBERS,
    Reach,
    in_plain_words,
    leading_results,
    results_in,
    subject_of,
)
from bot.settings import RouteResult, is_glob
from bot.store import Limit, NewSubscription, Subscription
from bot.store.subscriptions import ALL_AT_MOST, CHANNEL_AT_MOST, PERSON_AT_MOST

_LIMITS = {
    Limit.CHANNEL: (NoSubscription.CHANNEL_FULL, CHANNEL_AT_MOST),
    Limit.PERSON: (NoSubscription.PERSON_FULL, PERSON_AT_MOST),
    Limit.ALL: (NoSubscription.ALL_FULL, ALL_AT_MOST),
}


class Subscribe(BotAction, frozen=True, tag="subscribe"):
    """Have finished runs posted to this channel: of one job, of those that fit a pattern, or of all."""

    operation = Operation(
        name="subscribe",
        usage="subscribe [failed, warning, success] [JOB or PATTERN]",
        help="post finished runs to this channel: failures and warnings, unless you name other results",
        kind=Kind.ACTION,
        audit_name="channel.subscribe",
        roles=SUBSCRIBERS,
        examples=("subscribe failed SQL*", "subscribe SQL Prod", "subscribe success server:hq"),
        button="Subscribe",
    )

    job: JobRef | None = None
    pattern: str | None = None
    results: tuple[RouteResult, ...] = ()
    server: str | None = None

    @classmethod
    def parse(cls, line: CommandLine) -> "Subscribe":
        """Read the results, and the job's name or the pattern."""
        results, before, rest = leading_results(line)
        text = rest.text
        if text is None:
            return cls(results=results, server=line.server)
        is_name = len(rest.words) == 1 and rest.words[0].is_quoted
        if not is_name and means_everything(text):
            return cls(results=results, server=line.server)
        if not is_name and is_glob(text):
            rest.known_options_only()
            return cls(pattern=text, results=results, server=line.server)
        job, options = rest.job_and_options(cls, before)
        return cls(job=job, server=line.server, **options)

    @classmethod
    def options_in(cls, words: Sequence[str]) -> Mapping[str, Any] | None:
        """Read the results."""
        found = results_in(words)
        return None if found is None else {"results": found}

    @property
    def subject(self) -> JobRef | None:
        """The one job, where one was named."""
        return self.job

    @property
    def server_named(self) -> str | None:
        """The server that it is limited to, if any."""
        return self.job.server if self.job is not None else self.server

    async def prepare(self, backend: Backend, context: RequestContext) -> PreparedChange | Outcome:
        """Return the subscription ready to be kept.

        A job and a server are meant by their whole names, as for any action.
        """
        gesture = context.gesture
        if gesture.channel_id is None:
            return NotSubscribed(self.operation, NoSubscription.NO_CHANNEL)
        if not await backend.places.is_posted_to(gesture.channel_id, is_direct=gesture.is_direct):
            return NotSubscribed(self.operation, NoSubscription.NOT_MEMBER)
        new = NewSubscription(
            channel=gesture.channel_id,
            is_direct=gesture.is_direct,
            person_id=context.person.id,
            pattern=self.pattern,
            results=_words(self.results),
            made_at=backend.clock.now(),
        )
        job = self.job
        word = job.server if isinstance(job, NamedJob) else self.server if job is None else None
        if word is not None:
            server = backend.finder.server(word, context.visibility)
            if isinstance(server, NotFound):
                return server
            new = replace(new, server=server)
            job = msgspec.structs.replace(job, server=server) if isinstance(job, NamedJob) else job
        if job is not None:
            found = await backend.finder.job(job, request=self, visibility=context.visibility, is_action=True)
            if not isinstance(found, FoundJob):
                return found
            if found.options is not None:
                new = replace(new, results=_words(self.read_with(found.options).results))
            new = replace(new, server=found.server, job_id=found.state.id, pattern=found.state.name)
        reach = backend.permissions.reach(context.person, self.operation)
        if Reach(reach).refusal_of(new, new.pattern) is not None:
            permission = _missing(new, backend, context)
            return await backend.audit.refuse(self.operation, context, permission, subject_of(new))
        if (there := await _there(backend, new, reach)) is not None:
            return NotSubscribed(self.operation, NoSubscription.ALREADY, there)
        return PreparedChange(
            action=self,
            subject=subject_of(new),
            detail=in_plain_words(new),
            make=partial(self._make, backend, new),
        )

    async def _make(self, backend: Backend, new: NewSubscription) -> Done | NotSubscribed:
        kept = await backend.subscriptions.add(new)
        if isinstance(kept, Limit):
            why, at_most = _LIMITS[kept]
            return NotSubscribed(self.operation, why, at_most=at_most)
        default = backend.default_channel
        leaves_default = default not in {None, kept.channel} and kept.results != (RouteResult.SUCCESS.value,)
        return Done(SubscribedAnswer(kept, leaves_default=leaves_default))


@dataclass(frozen=True, slots=True)
class SubscribedAnswer(Answer):
    """A channel is subscribed to something. `leaves_default`: the default channel got it before."""

    subscription: Subscription
    leaves_default: bool = False


def _missing(new: NewSubscription, backend: Backend, context: RequestContext) -> Permission:
    """Why the person may not, where they have the role on nothing of it."""
    permissions, operation = backend.permissions, Subscribe.operation
    server = new.server or backend.fleet.names[0]
    if new.job_id is not None:
        return permissions.may(context.person, operation, Scope(server, new.pattern))
    return permissions.may_on_all(context.person, operation, server, new.pattern)


def _words(results: tuple[RouteResult, ...]) -> tuple[str, ...]:
    return tuple(each.value for each in RouteResult if each in (results or DEFAULT_RESULTS))


async def _there(backend: Backend, new: NewSubscription, own: Visibility) -> Subscription | None:
    """The same subscription of this channel, unless it shows less than this person's would."""
    for each in await backend.subscriptions.of(new.channel):
        if not each.is_like(new):
            continue
        if each.person_id == new.person_id:
            return each
        reach = await backend.subscribers.reach(each)
        if reach.covers(own, backend.fleet.names):
            return each
    return None
