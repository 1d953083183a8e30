"""From gesture to answer: commands, messages, buttons, forms. Runs what was asked for and shows the outcome.

A listener hands a gesture over after it was acknowledged; everything else happens here. What people do in App
Home and in the modals of shortcuts is in `app_home`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.observability import Clock, Metrics
from bot.operations import outcomes
from bot.operations.actions import Action
from bot.operations.actions.many import ActedOnMany
from bot.operations.catalog import TYPED
from bot.operations.commands import asks_for_topic, parse, parse_first
from bot.operations.menus import MenuField, MenuOptions, MenuSearch
from bot.operations.model import Gesture, Operation, Request
from bot.operations.service import Service
from bot.slack import codec, gestures
from bot.slack.errors import MessageGone
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.replies import Modals, Redraw, Redraws, Replies, SentReply
from bot.slack.session_messages import PostedSessions
from bot.slack.text import typed_line
from bot.slack.views import forms, inputs, problems
from bot.slack.views.actions import (
    action_kept,
    action_metadata,
    action_reply,
    action_shown_elsewhere,
)
from bot.slack.views.message import Reply
from bot.slack.views.outcomes import outcome as draw
from bot.store import NewFollowedSession, StoreError
from bot.watch import StandingMessage, StandingMessages

PATIENCE_SECONDS = 3.0
_HEAD_START_SECONDS = 0.5
_SEARCH_SECONDS = 2.4

_CAN_GO_BACK = outcomes.InternalError | outcomes.Failed | outcomes.TooMany

AfterForm = Callable[[Gesture, outcomes.Outcome], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _OpenForm:
    """A form that is open: what it is for, whose it is, and where it was opened from.

    `back` leads to what was entered before, if anything was. `redraw` draws it again, where it is to be.
    """

    gesture: Gesture
    target: gestures.ReplyTarget
    operation: Operation
    view_id: str
    back: codec.FormMetadata | None = None
    redraw: Redraw | None = None


class Interactions:
    """Serves gestures."""

    def __init__(
        self,
        service: Service,
        replies: Replies,
        modals: Modals,
        standing: StandingMessages,
        messages: PostedSessions,
        tasks: GestureTasks,
        *,
        command: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._service = service
        self._replies = replies
        self._modals = modals
        self._standing = standing
        self._messages = messages
        self._redraws = Redraws(modals)
        self._tasks = tasks
        self._command = command
        self._clock = clock
        self._metrics = metrics

    def take_command(self, command: gestures.TypedCommand) -> None:
        """Serve a slash command."""

        async def serve() -> None:
            request = parse(typed_line(command.text), TYPED)
            await self._run(command.gesture, command.target, request)

        self._take(command.gesture, command.target, serve())

    def take_message(self, message: gestures.WrittenMessage) -> None:
        """Serve a mention of the bot, or a message to it; one that Slack delivers again is served already."""
        gesture, target = message.gesture, message.target

        async def serve() -> None:
            outcome = await self._outcome(gesture, target, await self._asked_in(message))
            if not isinstance(outcome, outcomes.AlreadyPressed):
                await self.show(gesture, target, outcome)

        self._take(gesture, target, serve())

    def take_press(self, press: gestures.ButtonPress) -> None:
        """Serve a button or a menu."""
        self._take(press.gesture, press.target, self._serve_press(press))

    def take_submission(self, form: gestures.FormSubmission, then: AfterForm | None = None) -> dict[str, Any]:
        """Serve a form; return what Slack is answered: mistakes by block, or that it is worked on.

        `then` is called with the outcome, once that was shown.
        """
        if isinstance(form.metadata, codec.UnreadablePress):
            return {"response_action": "update", "view": forms.unreadable()}
        request = forms.filled(form.metadata, form.state)
        if isinstance(request, Mapping):
            return {"response_action": "errors", "errors": dict(request)}
        back = forms.back_to(request, form.metadata)
        shown = _OpenForm(form.gesture, form.target, request.operation, form.view_id, back)

        async def serve() -> None:
            began = self._clock.monotonic()
            outcome = await self._service.run(form.gesture, request)
            # Slack keeps no order between the answer to a submission and a later call: the answer goes first.
            await self._clock.sleep(max(0.0, _HEAD_START_SECONDS - (self._clock.monotonic() - began)))
            await self._show_in_form(shown, outcome)
            if then is not None:
                await then(form.gesture, outcome)

        async def on_error(error: outcomes.InternalError) -> None:
            await self._show_in_form(shown, error)

        self._tasks.run(form.gesture, self.answer(form.gesture, serve()), on_error)
        is_more_to_come = request.needs_form or (isinstance(request, Action) and request.is_review)
        busy = forms.loading if is_more_to_come else forms.sent_off(form.label)
        return {"response_action": "update", "view": busy(request.operation)}

    async def search(self, query: gestures.MenuQuery) -> dict[str, Any]:
        """Return what Slack is answered for a search menu in its three seconds; nothing if it takes more."""
        field = next((each for each in MenuField if each == query.field), None)
        if isinstance(query.metadata, codec.UnreadablePress) or field is None:
            return inputs.offered(MenuOptions())
        search = MenuSearch(field, query.text, query.metadata.request)
        try:
            async with asyncio.timeout(_SEARCH_SECONDS):
                found = await self._service.search(query.gesture, search)
        except TimeoutError:
            log.warning("interactions.suggested_too_late", sought=field)
            found = MenuOptions()
        return inputs.offered(found)

    async def act(self, gesture: Gesture, target: gestures.ReplyTarget, request: Request) -> outcomes.Outcome:
        """Run the request, show its outcome at the target, and return it."""
        outcome = await self._outcome(gesture, target, request)
        await self.show(gesture, target, outcome)
        return outcome

    async def show(
        self,
        gesture: Gesture,
        target: gestures.ReplyTarget,
        outcome: outcomes.Outcome,
        *,
        is_shared: bool = False,
    ) -> None:
        """Show the outcome at the target: to the channel what concerns it, else to the person alone."""
        self.count(gesture, outcome)
        shared_by = gesture.person_id if is_shared else None
        reply = draw(outcome, gesture.reference, command=self._command, shared_by=shared_by)
        if not reply.in_channel:
            await self._replies.post_ephemeral(target, reply.message)
            return
        answer = outcome.answer if isinstance(outcome, outcomes.Done) else None
        if not isinstance(answer, outcomes.ActionAnswer):
            if isinstance(answer, ActedOnMany) and not target.is_ephemeral:
                target = replace(target, thread_ts=target.thread_ts or target.message_ts)
            await self._replies.post(target, reply.message)
            return
        if target.channel_id in answer.shown_in:
            await self._replies.post_ephemeral(target, action_kept(answer))
            return
        root = await self.find_standing(answer, target.channel_id)
        if root is not None and await self._reply_at(root, gesture, target, answer):
            return
        message = replace(reply.message, metadata=action_metadata(gesture.reference))
        posted = await self._replies.post(target, message)
        if posted is not None:
            await self.action_posted(gesture, answer, posted, is_reply=target.thread_ts is not None)

    async def find_standing(
        self, answer: outcomes.ActionAnswer, channel_id: str | None
    ) -> StandingMessage | None:
        """Return the message in the channel about the very run that the action began or stops, if any."""
        if answer.session is None or channel_id is None:
            return None
        try:
            return await self._standing.find(
                answer.session,
                server=answer.server,
                job_id=answer.job_id,
                operation=answer.operation.name,
                person=answer.by,
                channel=channel_id,
            )
        except StoreError as error:
            log.warning("interactions.standing_unknown", session_id=answer.session.id, problem=str(error))
            return None

    async def action_posted(
        self,
        gesture: Gesture,
        answer: outcomes.ActionAnswer,
        posted: SentReply,
        *,
        root: StandingMessage | None = None,
        is_reply: bool = False,
    ) -> str | None:
        """Keep the message current that shows an action, and put on record that it does; return its link.

        That message is `root`, where `posted` is a reply in its thread.
        """
        await self._follow(answer, posted, root, is_reply=is_reply)
        link = await self._replies.permalink(posted)
        reference = answer.reference or gesture.reference
        await self._service.message_posted(reference, channel_id=posted.channel_id, ts=posted.ts, link=link)
        return link

    async def _reply_at(
        self,
        root: StandingMessage,
        gesture: Gesture,
        target: gestures.ReplyTarget,
        answer: outcomes.ActionAnswer,
    ) -> bool:
        """Answer in the thread of what stands there about the run; False where that is gone from Slack."""
        message = replace(action_reply(answer), metadata=action_metadata(gesture.reference))
        thread = replace(target, thread_ts=root.posted.ts)
        try:
            posted = await self._replies.post_in_thread(thread, message)
        except MessageGone:
            return False
        if posted is not None:
            link = await self.action_posted(gesture, answer, posted, root=root)
            if target.message_ts != root.posted.ts:
                await self._replies.post_ephemeral(target, action_shown_elsewhere(answer, link))
        return True

    async def answer(self, gesture: Gesture, serving: Awaitable[None]) -> None:
        """Serve a gesture; if that breaks, what it did is looked up and shown later."""
        async with self._service.answering(gesture):
            await serving

    def draw(self, gesture: Gesture, outcome: outcomes.Outcome) -> Reply:
        """Return the outcome as a reply."""
        return draw(outcome, gesture.reference, command=self._command)

    def count(self, gesture: Gesture, outcome: outcomes.Outcome) -> None:
        """Count a gesture that was answered, by the outcome's kind in one word."""
        self._metrics.gesture_answered(gesture.origin.value, outcomes.kind_of(outcome).replace("_", ""))

    def _take(
        self, gesture: Gesture, target: gestures.ReplyTarget, serving: Coroutine[Any, Any, None]
    ) -> None:
        async def on_error(error: outcomes.InternalError) -> None:
            await self.show(gesture, target, error)

        self._tasks.run(gesture, self.answer(gesture, serving), on_error)

    async def _asked_in(self, message: gestures.WrittenMessage) -> Request | outcomes.SyntaxProblem:
        """What a message asks for; what its thread is about is looked up only where that matters."""
        texts, target = [typed_line(text) for text in message.texts], message.target
        topic = None
        if target.channel_id and target.thread_ts and asks_for_topic(texts, TYPED):
            topic = await self._messages.topic_of_thread(target.channel_id, target.thread_ts)
        return parse_first(texts, TYPED, topic)

    async def _serve_press(self, press: gestures.ButtonPress) -> None:
        gesture, target, view = press.gesture, press.target, press.view
        match press.action:
            case codec.RunRequest(request=request) if view is not None and view.metadata is not None:
                await self._serve_in_form(press, view, view.metadata, request)
            case codec.DrawAgain() if view is not None and isinstance(view.metadata, codec.FormMetadata):
                redraw = self._redraws.begin(view.id, drawn_as=view.hash or "")
                request = forms.drawn_again(view.metadata.request, view.state)
                await self._serve_in_form(press, view, view.metadata, request, redraw)
            case codec.DrawAgain() if view is not None:
                await self._modals.update(view.id, forms.unreadable())
            case codec.DrawAgain():
                foreign = codec.UnreadablePress(codec.RHYTHM, codec.UnreadableReason.FOREIGN)
                await self._replies.post_ephemeral(target, problems.unreadable_press(foreign))
            case codec.RunRequest(request=request):
                await self._run(gesture, target, request)
            case codec.TurnPage(request=request):
                reply = self.draw(gesture, await self._outcome(gesture, target, request))
                await self._replies.post_ephemeral(target, reply.message, replace=target.is_ephemeral)
            case codec.Share(request=request):
                # The channel gets it once, however often the request comes.
                outcome = await self._outcome(gesture, target, request, once=True)
                await self.show(gesture, target, outcome, is_shared=True)
            case codec.UnreadablePress() as unreadable:
                self._metrics.gesture_answered(gesture.origin.value, "unreadable")
                await self._replies.post_ephemeral(target, problems.unreadable_press(unreadable))

    async def _serve_in_form(
        self,
        press: gestures.ButtonPress,
        view: gestures.OpenView,
        metadata: codec.FormMetadata | codec.UnreadablePress,
        request: Request,
        redraw: Redraw | None = None,
    ) -> None:
        """Go on, or back, in the form that a button stands in: what it asks for takes the form's place."""
        if isinstance(metadata, codec.UnreadablePress):
            await self._modals.update(view.id, forms.unreadable())
            return
        channel_id = metadata.channel_id
        gesture = replace(
            press.gesture,
            channel_id=channel_id,
            is_direct=gestures.is_direct(channel_id),
            thread_ts=metadata.thread_ts,
        )
        target = replace(press.target, channel_id=metadata.channel_id, thread_ts=metadata.thread_ts)
        back = forms.back_to(request, metadata)
        shown = _OpenForm(gesture, target, request.operation, view.id, back, redraw)
        await self._show_in_form(shown, await self._service.run(gesture, request))

    async def _run(
        self, gesture: Gesture, target: gestures.ReplyTarget, request: Request | outcomes.SyntaxProblem
    ) -> None:
        """Run the request and show its outcome; what needs a form opens it, where Slack does."""
        if isinstance(request, Request) and request.needs_form:
            view_id = await self._modals.open(target, forms.loading(request.operation))
            if view_id is not None:
                shown = _OpenForm(gesture, target, request.operation, view_id)
                await self._show_in_form(shown, await self._service.run(gesture, request))
                return
        await self.show(gesture, target, await self._outcome(gesture, target, request))

    async def _show_in_form(self, shown: _OpenForm, outcome: outcomes.Outcome) -> None:
        """Show it in the form; also where it was asked, if it concerns others or has something to press."""
        gesture, target, operation = shown.gesture, shown.target, shown.operation
        view = None
        if isinstance(outcome, outcomes.NeedsForm | outcomes.Failed) and outcome.form is not None:
            view = forms.form(
                outcome.form,
                channel_id=target.channel_id,
                thread_ts=target.thread_ts,
                missing=outcome.missing,
                needs_approval=isinstance(outcome, outcomes.NeedsForm) and outcome.needs_approval,
            )
        if view is not None and shown.redraw is not None:
            # A form that was sent off, or drawn again, meanwhile has moved on: there is nothing to say.
            await shown.redraw(view)
            self.count(gesture, outcome)
            return
        if view is not None and await self._modals.update(shown.view_id, view):
            self.count(gesture, outcome)
            return
        reply = self.draw(gesture, outcome)
        back = shown.back if isinstance(outcome, _CAN_GO_BACK) else None
        is_shown = await self._modals.update(shown.view_id, forms.finished(operation, reply.message, back))
        has_controls = isinstance(
            outcome,
            outcomes.Ambiguous | outcomes.PartOfName | outcomes.StaleButton | outcomes.NeedsForm,
        )
        if not is_shown or reply.in_channel or has_controls:
            await self.show(gesture, target, outcome)
        else:
            self.count(gesture, outcome)

    async def _outcome(
        self,
        gesture: Gesture,
        target: gestures.ReplyTarget,
        request: Request | outcomes.SyntaxProblem,
        *,
        once: bool = False,
    ) -> outcomes.Outcome:
        """Run the request; what takes longer than people like to wait is announced."""

        async def remind() -> None:
            await self._clock.sleep(PATIENCE_SECONDS)
            # It is over soon: among the messages to the bot it would stay.
            passing = replace(target, is_direct_message=False)
            await self._replies.post_ephemeral(passing, problems.still_asking())

        async with asyncio.TaskGroup() as group:
            reminder = group.create_task(remind())
            try:
                return await self._service.run(gesture, request, once=once)
            finally:
                reminder.cancel()

    async def _follow(
        self,
        answer: outcomes.ActionAnswer,
        posted: SentReply,
        root: StandingMessage | None,
        *,
        is_reply: bool,
    ) -> None:
        if answer.session is None:
            return
        new = NewFollowedSession(
            server=answer.server,
            session_id=answer.session.id,
            job_id=answer.job_id,
            job_name=answer.job_name,
            operation=answer.operation.name,
            person=answer.by,
            channel=posted.channel_id,
            ts=posted.ts if root is None else root.posted.ts,
            started_at=answer.at,
            detail=answer.detail,
            approver=answer.approver,
            root_key=None if root is None else root.root_key,
            is_reply=is_reply,
            never_stops=answer.never_stops,
        )
        try:
            await self._standing.keep(new)
        except StoreError as error:
            # The action is done and the channel knows; only its message stays as it is.
            log.error("interactions.not_followed", session_id=new.session_id, problem=str(error))
