"""What only looks. Each query is one file: its request, its words, how it is answered, and its answer."""

from abc import abstractmethod
from typing import Annotated

from msgspec import Meta

from bot.operations.backend import Backend
from bot.operations.commands import Verb
from bot.operations.model import RequestContext
from bot.operations.outcomes import Outcome

PageNumber = Annotated[int, Meta(ge=0)]
"""Counts from 0."""


class Query(Verb, frozen=True):
    """A request that changes nothing."""

    @abstractmethod
    async def answer(self, backend: Backend, context: RequestContext) -> Outcome:
        """Return the answer, or why there is none. Raises `VeeamError` and `StoreError`."""
