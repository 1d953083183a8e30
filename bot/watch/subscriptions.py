"""Subscriptions as routes: whose job it is that ended, and whether who made them may see it at this time.

They are read from the database for many sessions at once, and what a person may see is asked when one of
theirs fits. Where nobody can say, the run waits (`announcements`), so that nothing is shown on a guess.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from bot.settings import RouteResult, ServerName, folded_glob
from bot.store import SharedRead, Subscription
from bot.veeam import Result, known
from bot.watch.routing import Subscriber


class Audience(Protocol):
    """Who may see what; implemented where people are known. Never raises."""

    async def may_get(self, subscription: Subscription, server: str, job_name: str) -> bool | None:
        """Whether a subscription may show a job by now; None where nobody can say."""
        ...


class SubscribedChannels:
    """Implements `Subscribers`. `every` yields all subscriptions, the oldest first."""

    def __init__(self, every: SharedRead[tuple[Subscription, ...]], audience: Audience) -> None:
        self._every = every
        self._audience = audience
        self._index = SubscriptionIndex(())

    async def of(
        self, server: ServerName, job_id: str | None, job_name: str, result: str
    ) -> tuple[Subscriber, ...]:
        """Return those that fit the job and may show it, or may once that is known.

        No `job_id`: VBR lists no such job, and its name has to do. What has no result yet may get any.
        Raises `StoreError`.
        """
        every = await self._every.get()
        if every is not self._index.subscriptions:
            self._index = SubscriptionIndex(every)
        found = self._index.of(server, job_id, job_name, result)
        asked = [(each, await self._audience.may_get(each, server, job_name)) for each in found]
        return tuple(
            subscriber(each, is_held=may_get is None) for each, may_get in asked if may_get is not False
        )

    async def find(self, subscription_id: int, server: ServerName, job_name: str) -> Subscriber | None:
        """Return one as it stands; None where it was ended, or may not show this job.

        Raises `StoreError`.
        """
        one = next((each for each in await self._every.get() if each.id == subscription_id), None)
        if one is None:
            return None
        may_get = await self._audience.may_get(one, server, job_name)
        return None if may_get is False else subscriber(one, is_held=may_get is None)


class SubscriptionIndex:
    """Finds which of many subscriptions fit a job, for thousands of sessions. Pure."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self.subscriptions = subscriptions
        fitting = [(each, _fits(each)) for each in subscriptions]
        self._any_result = fitting
        self._by_result: dict[str, list[tuple[Subscription, _Fits]]] = {}

    def of(self, server: str, job_id: str | None, job_name: str, result: str) -> list[Subscription]:
        """Return those that fit a session of this job with this result; without one yet, with any.

        No `job_id`: VBR lists no such job, and its name has to do.
        """
        folded = job_name.casefold()
        return [each for each, fits in self._asked(result) if fits(server, job_id, folded)]

    def _asked(self, result: str) -> "list[tuple[Subscription, _Fits]]":
        if known(Result, result) is Result.NONE:
            return self._any_result
        word = (known(Result, result) or Result.WARNING).value  # a later result goes where warnings go
        if word not in self._by_result:
            self._by_result[word] = [one for one in self._any_result if word in one[0].results]
        return self._by_result[word]


_Fits = Callable[[str, str | None, str], bool]
"""Whether a subscription is to a job: by its server, its ID if VBR lists it, and its name, folded."""


def _fits(each: Subscription) -> _Fits:
    name, server = (each.pattern or "").casefold(), each.server
    pattern = None if each.pattern is None or each.job_id is not None else folded_glob(each.pattern)

    def fits(of_server: str, job_id: str | None, job_name: str) -> bool:
        if server is not None and server != of_server:
            return False
        if each.job_id is not None:
            return job_name == name if job_id is None else job_id == each.job_id
        return pattern is None or pattern.fullmatch(job_name) is not None

    return fits


def subscriber(each: Subscription, *, is_held: bool = False) -> Subscriber:
    """Return a subscription as routes are asked about it."""
    results = tuple(result for result in RouteResult if result.value in each.results)
    return Subscriber(each.id, each.channel, results, is_held=is_held)
