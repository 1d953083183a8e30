"""Subscriptions as routes: whose job it is that ended, and whether who made them may see it at this time.

They are read from the database for many sessions at once, and what a person may see is asked when one of
theirs fits. Where nobody can say, the run waits (`announcements`), so that nothing is shown on a guess.
"""

from collections.abc import Sequence
from typing import Protocol

from bot.settings import RouteResult, ServerName, matches_glob
from bot.store import SharedRead, Subscription
from bot.veeam import Result, known
from bot.watch.routing import Subscriber, fits_results


class Audience(Protocol):
    """Who may see what; implemented where people are known. Never raises."""

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool | None:
        """Whether a subscription may be told about a job by now; None where nobody can say."""
        ...


class SubscribedChannels:
    """Implements `Subscribers`. `every` yields all subscriptions, the oldest first."""

    def __init__(self, every: SharedRead[tuple[Subscription, ...]], audience: Audience) -> None:
        self._every = every
        self._audience = audience

    async def of(
        self, server: ServerName, job_id: str | None, job_name: str, result: str
    ) -> tuple[Subscriber, ...]:
        """Return those that fit the job and may be told about it, or may once that is known.

        No `job_id`: VBR lists no such job, and its name has to do. What has no result yet may get any.
        Raises `StoreError`.
        """
        has_result = known(Result, result) is not Result.NONE
        found = [
            each
            for each in await self._every.get()
            if (not has_result or fits_results(_results(each.results), result))
            and fits(each, server, job_id, job_name)
        ]
        asked = [(each, await self._audience.may_get(each, server, job_name)) for each in found]
        return tuple(
            subscriber(each, is_held=may_get is None) for each, may_get in asked if may_get is not False
        )

    async def find(self, subscription_id: int, server: ServerName, job_name: str) -> Subscriber | None:
        """Return one as it stands; None where it was ended, or may not be told about this job.

        Raises `StoreError`.
        """
        one = next((each for each in await self._every.get() if each.id == subscription_id), None)
        if one is None:
            return None
        may_get = await self._audience.may_get(one, server, job_name)
        return None if may_get is False else subscriber(one, is_held=may_get is None)


def fits(each: Subscription, server: str, job_id: str | None, job_name: str) -> bool:
    """Whether a subscription is to this job; without a `job_id` its name has to do."""
    if each.server is not None and each.server != server:
        return False
    if each.job_id is not None:
        is_named_so = job_name.casefold() == (each.pattern or "").casefold()
        return is_named_so if job_id is None else each.job_id == job_id
    return each.pattern is None or matches_glob(each.pattern, job_name)


def subscriber(each: Subscription, *, is_held: bool = False) -> Subscriber:
    """Return a subscription as routes are asked about it."""
    return Subscriber(each.id, each.channel, _results(each.results), is_held=is_held)


def _results(words: Sequence[str]) -> tuple[RouteResult, ...]:
    return tuple(each for each in RouteResult if each.value in words)
