"""`unsubscribe`: end what a channel is subscribed to, for people who could subscribe it to the same."""

from dataclasses import dataclass
from functools import partial

from bot.operations.actions import BotAction, PreparedChange
from bot.operations.backend import Backend
from bot.operations.commands import CommandLine
from bot.operations.matching import fold, means_everything
from bot.operations.model import Confirmation, Kind, Operation, RequestContext
from bot.operations.outcomes import Answer, Done, NoSubscription, NotSubscribed, Outcome, SubscribedTo
from bot.operations.queries.subscriptions import SubscriptionsAnswer, subscriptions_of
from bot.operations.subscribers import SUBSCRIBERS, in_plain_words, leading_results, subject_of
from bot.settings import PersonId, RouteResult


class Unsubscribe(BotAction, frozen=True, tag="unsubscribe"):
    """End one of this channel's subscriptions: by its number, as a button has it, or by its words.

    `is_all` means the one of all jobs; without that, a text or a number, a list asks which one.
    """

    operation = Operation(
        name="unsubscribe",
        usage="unsubscribe [failed, warning, success] [JOB or PATTERN]",
        help="end what this channel is subscribed to; without words, choose it from a list",
        kind=Kind.ACTION,
        audit_name="channel.unsubscribe",
        roles=SUBSCRIBERS,
        examples=("unsubscribe SQL*", "unsubscribe"),
        button="Unsubscribe",
        confirmation=Confirmation(
            question="End this subscription?",
            consequence="It posts nothing more to this channel.",
            yes="Unsubscribe",
        ),
    )

    subscription_id: int | None = None
    text: str | None = None
    results: tuple[RouteResult, ...] = ()
    server: str | None = None
    is_all: bool = False

    @classmethod
    def parse(cls, line: CommandLine) -> "Unsubscribe":
        """Read the results, and the name or the pattern, as they were said when it was subscribed to."""
        results, _, rest = leading_results(line)
        rest.known_options_only()
        text = rest.text
        is_name = len(rest.words) == 1 and rest.words[0].is_quoted
        is_all = text is not None and not is_name and means_everything(text)
        return cls(text=None if is_all else text, results=results, server=line.server, is_all=is_all)

    @property
    def server_named(self) -> str | None:
        """The server that it is limited to, if any."""
        return self.server

    async def prepare(self, backend: Backend, context: RequestContext) -> PreparedChange | Outcome:
        """Return the end of the one that is meant; of several, or without a name, a list to choose from."""
        if context.gesture.channel_id is None:
            return NotSubscribed(self.operation, NoSubscription.NO_CHANNEL)
        found = await subscriptions_of(context.gesture.channel_id, backend, context)
        if self.subscription_id is not None:
            meant = [one for one in found if one.subscription.id == self.subscription_id]
            if not meant:
                return NotSubscribed(self.operation, NoSubscription.ENDED)
        else:
            meant = [one for one in found if self._means(one)]
        if not meant:
            return NotSubscribed(self.operation, NoSubscription.NONE_SUCH)
        says_which = self.subscription_id is not None or self.text is not None or self.is_all
        if len(meant) > 1 or not says_which:
            return Done(SubscriptionsAnswer(tuple(meant), (), backend.clock.now(), is_choice=True))
        ends = meant[0]
        one = ends.subscription
        permission = await backend.subscribers.may_end(context.person, one, ends.job_name)
        if not permission.is_allowed:
            return await backend.audit.refuse(self.operation, context, permission, subject_of(one))
        return PreparedChange(
            action=Unsubscribe(one.id),
            subject=subject_of(one),
            detail=in_plain_words(one),
            ends=ends,
            make=partial(self._make, backend, context, ends),
        )

    def _means(self, one: SubscribedTo) -> bool:
        """Whether the words are those of a subscription; one whose names are hidden has none.

        A job's name is the one it has by now, or had when it was subscribed to.
        """
        own = one.subscription
        names = {fold(name) for name in (own.pattern, one.job_name) if name is not None and one.is_named}
        if self.text is not None and fold(self.text) not in names:
            return False
        if self.is_all and own.pattern is not None:
            return False
        if self.server is not None and not (one.is_named and fold(self.server) == fold(own.server or "")):
            return False
        return not self.results or {each.value for each in self.results} == set(own.results)

    async def _make(
        self, backend: Backend, context: RequestContext, one: SubscribedTo
    ) -> Done | NotSubscribed:
        if not await backend.subscriptions.end(one.subscription.id, one.subscription.channel):
            return NotSubscribed(self.operation, NoSubscription.ENDED)
        return Done(UnsubscribedAnswer(one, context.person.id))


@dataclass(frozen=True, slots=True)
class UnsubscribedAnswer(Answer):
    """A subscription was ended."""

    ended: SubscribedTo
    by: PersonId
