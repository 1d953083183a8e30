"""From gesture to answer: commands, buttons, forms. Reads what was asked, has it done, shows what came of it.

A listener hands a gesture over after it was acknowledged; everything else happens here. What people do in App
Home and in the modals of shortcuts is in `app_home`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.observability import Clock, Metrics
from bot.operations.actions import Action
from bot.operations.catalog import TYPED
from bot.operations.commands import parse
from bot.operations.impact import PickForm
from bot.operations.menus import MenuField, MenuSearch
from bot.operations.model import Gesture, Operation, Request
from bot.operations.outcomes import (
    ActionAnswer,
    Ambiguous,
    Done,
    Failed,
    Form,
    InternalError,
    NeedsForm,
    Outcome,
    StaleButton,
    SyntaxProblem,
    kind_of,
)
from bot.operations.service import Service
from bot.slack.codec import (
    FormMetadata,
    RunRequest,
    Share,
    TurnPage,
    UnreadablePress,
    decode,
    decode_form,
    is_form,
)
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.gestures import (
    ButtonPress,
    FormSubmission,
    MenuQuery,
    OpenView,
    ReplyTarget,
    TypedCommand,
)
from bot.slack.modals import Modals
from bot.slack.replies import Replies, SentReply
from bot.slack.text import typed_line
from bot.slack.views import forms, inputs
from bot.slack.views.message import Reply
from bot.slack.views.outcomes import outcome as draw
from bot.slack.views.problems import still_asking, unreadable_press, usage_hint
from bot.store import FollowedSessions, NewFollowedSession, StoreError

PATIENCE_SECONDS = 3.0
_HEAD_START_SECONDS = 0.5
_SUGGESTED_WITHIN_SECONDS = 2.4

AfterForm = Callable[[Gesture, Outcome], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _OpenForm:
    """A form that is open: what it is for, whose it is, and where it was opened from.

    `back` leads to what was entered before, if anything was.
    """

    gesture: Gesture
    target: ReplyTarget
    operation: Operation
    view_id: str
    back: FormMetadata | None = None


class Interactions:
    """Serves gestures."""

    def __init__(
        self,
        service: Service,
        replies: Replies,
        modals: Modals,
        followed: FollowedSessions,
        tasks: GestureTasks,
        *,
        command: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._service = service
        self._replies = replies
        self._modals = modals
        self._followed = followed
        self._tasks = tasks
        self._command = command
        self._clock = clock
        self._metrics = metrics

    def take_command(self, command: TypedCommand) -> None:
        """Serve a slash command."""
        request = parse(typed_line(command.text), TYPED)
        self._take(command.gesture, command.target, self.run(command.gesture, command.target, request))

    def take_press(self, press: ButtonPress) -> None:
        """Serve a button or a menu."""
        self._take(press.gesture, press.target, self._serve_press(press))

    def take_submission(self, form: FormSubmission, then: AfterForm | None = None) -> dict[str, Any]:
        """Serve a form; return what Slack is answered: mistakes by block, or that it is worked on.

        `then` is called with what came of it, once that was shown.
        """
        if isinstance(form.metadata, UnreadablePress):
            return {"response_action": "update", "view": forms.unreadable(form.metadata)}
        request = forms.filled(form.metadata, form.state)
        if isinstance(request, Mapping):
            return {"response_action": "errors", "errors": dict(request)}
        shown = _OpenForm(
            form.gesture,
            form.target,
            request.operation,
            form.view_id,
            forms.back_to(request, form.metadata),
        )

        async def on_error(error: InternalError) -> None:
            await self._show_in_form(shown, error)

        self._tasks.run(form.gesture, self._serve_form(shown, request, then), on_error)
        is_more_to_come = request.needs_form or (isinstance(request, Action) and request.is_review)
        busy = forms.loading if is_more_to_come else forms.working
        return {"response_action": "update", "view": busy(shown.operation)}

    async def search(self, query: MenuQuery) -> dict[str, Any]:
        """Return what Slack is answered for a search menu in its three seconds; nothing if it takes more."""
        field = next((each for each in MenuField if each == query.field), None)
        if isinstance(query.metadata, UnreadablePress) or field is None:
            return inputs.offered(())
        search = MenuSearch(field, query.text, query.metadata.request)
        try:
            async with asyncio.timeout(_SUGGESTED_WITHIN_SECONDS):
                found = await self._service.search(query.gesture, search)
        except TimeoutError:
            log.warning("interactions.suggested_too_late", sought=field)
            found = ()
        return inputs.offered(found)

    async def run(self, gesture: Gesture, target: ReplyTarget, request: Request | SyntaxProblem) -> None:
        """Run the request and show what came of it; what needs a form opens it."""
        if isinstance(request, Request) and request.needs_form:
            await self._open_form(gesture, target, request)
        else:
            await self.show(gesture, target, await self._outcome(gesture, target, request))

    async def act(self, gesture: Gesture, target: ReplyTarget, request: Request) -> Outcome:
        """Run the request, show what came of it at the target, and return it."""
        outcome = await self._outcome(gesture, target, request)
        await self.show(gesture, target, outcome)
        return outcome

    async def show(
        self, gesture: Gesture, target: ReplyTarget, outcome: Outcome, *, is_shared: bool = False
    ) -> None:
        """Show at the target what came of it: to the channel what concerns it, else to the person alone."""
        self.count(gesture, outcome)
        shared_by = gesture.person_id if is_shared else None
        reply = draw(outcome, gesture.reference, command=self._command, shared_by=shared_by)
        if not reply.in_channel:
            await self._replies.post_ephemeral(target, reply.message)
            return
        posted = await self._replies.post(target, reply.message)
        if posted is None or not isinstance(outcome, Done) or not isinstance(outcome.answer, ActionAnswer):
            return
        answer = outcome.answer
        await self._follow(answer, posted)
        link = await self._replies.permalink(posted)
        reference = answer.reference or gesture.reference
        await self._service.message_posted(reference, channel_id=posted.channel_id, ts=posted.ts, link=link)

    def draw(self, gesture: Gesture, outcome: Outcome) -> Reply:
        """Return what came of it as a reply."""
        return draw(outcome, gesture.reference, command=self._command)

    def count(self, gesture: Gesture, outcome: Outcome) -> None:
        """Count a gesture that was answered, by the outcome's kind in one word."""
        self._metrics.gesture_answered(gesture.origin.value, kind_of(outcome).replace("_", ""))

    def _take(self, gesture: Gesture, target: ReplyTarget, serving: Coroutine[Any, Any, None]) -> None:
        async def on_error(error: InternalError) -> None:
            await self.show(gesture, target, error)

        self._tasks.run(gesture, serving, on_error)

    async def _serve_press(self, press: ButtonPress) -> None:
        gesture, target = press.gesture, press.target
        match decode(press.action_id, press.value or ""):
            case RunRequest(request=request) if press.view is not None and is_form(press.view.callback_id):
                await self._serve_in_form(press, press.view, request)
            case RunRequest(request=request):
                await self.run(gesture, target, request)
            case TurnPage(request=request):
                reply = self.draw(gesture, await self._outcome(gesture, target, request))
                await self._replies.post_ephemeral(target, reply.message, replace=target.is_ephemeral)
            case Share(request=request):
                outcome = await self._outcome(gesture, target, request)
                await self.show(gesture, target, outcome, is_shared=True)
            case UnreadablePress() as unreadable:
                self._metrics.gesture_answered(gesture.origin.value, "unreadable")
                await self._replies.post_ephemeral(target, unreadable_press(unreadable))

    async def _serve_in_form(self, press: ButtonPress, view: OpenView, request: Request) -> None:
        """Go on, or back, in the form that a button stands in: what it asks for takes the form's place."""
        metadata = decode_form(view.metadata)
        if isinstance(metadata, UnreadablePress):
            await self._modals.update(view.id, forms.unreadable(metadata))
            return
        gesture = replace(press.gesture, channel_id=metadata.channel_id)
        target = replace(press.target, channel_id=metadata.channel_id, thread_ts=metadata.thread_ts)
        back = forms.back_to(request, metadata)
        shown = _OpenForm(gesture, target, request.operation, view.id, back)
        await self._show_in_form(shown, await self._service.run(gesture, request))

    async def _serve_form(self, shown: _OpenForm, request: Request, then: AfterForm | None) -> None:
        began = self._clock.monotonic()
        outcome = await self._service.run(shown.gesture, request)
        # Slack keeps no order between the answer to a submission and a later call: the answer goes first.
        await self._clock.sleep(max(0.0, _HEAD_START_SECONDS - (self._clock.monotonic() - began)))
        await self._show_in_form(shown, outcome)
        if then is not None:
            await then(shown.gesture, outcome)

    async def _open_form(self, gesture: Gesture, target: ReplyTarget, request: Request) -> None:
        view_id = await self._modals.open(target, forms.loading(request.operation))
        if view_id is None:
            await self.show(gesture, target, await self._outcome(gesture, target, request))
            return
        shown = _OpenForm(gesture, target, request.operation, view_id)
        await self._show_in_form(shown, await self._service.run(gesture, request))

    async def _show_in_form(self, shown: _OpenForm, outcome: Outcome) -> None:
        """Show it in the form; also where it was asked, if it concerns others or bears something to press."""
        asked = outcome.form if isinstance(outcome, NeedsForm | Failed) else None
        if asked is not None and await self._show_form(shown, asked):
            self.count(shown.gesture, outcome)
            if isinstance(asked, PickForm):
                words = usage_hint(shown.operation, command=self._command, is_open=True)
                await self._replies.post_ephemeral(shown.target, words)
            return
        reply = self.draw(shown.gesture, outcome)
        back = shown.back if isinstance(outcome, InternalError | Failed) else None
        view = forms.told(shown.operation, reply.message, back)
        is_shown = await self._modals.update(shown.view_id, view)
        if not is_shown or reply.in_channel or isinstance(outcome, Ambiguous | StaleButton | NeedsForm):
            await self.show(shown.gesture, shown.target, outcome)
        else:
            self.count(shown.gesture, outcome)

    async def _show_form(self, shown: _OpenForm, asked: Form) -> bool:
        """Show the form, or the next of several; False where it is closed by now, or cannot be carried."""
        target = shown.target
        view = forms.form(asked, channel_id=target.channel_id, thread_ts=target.thread_ts)
        return view is not None and await self._modals.update(shown.view_id, view)

    async def _outcome(
        self, gesture: Gesture, target: ReplyTarget, request: Request | SyntaxProblem
    ) -> Outcome:
        """Run the request; what takes longer than people like to wait is announced."""

        async def remind() -> None:
            await self._clock.sleep(PATIENCE_SECONDS)
            await self._replies.post_ephemeral(target, still_asking())

        async with asyncio.TaskGroup() as group:
            reminder = group.create_task(remind())
            try:
                return await self._service.run(gesture, request)
            finally:
                reminder.cancel()

    async def _follow(self, answer: ActionAnswer, posted: SentReply) -> None:
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
            ts=posted.ts,
            started_at=answer.at,
            detail=answer.detail,
            approver=answer.approver,
        )
        try:
            await self._followed.add(new)
        except StoreError as error:
            # The action is done and the channel knows; only its message stays as it is.
            log.error("interactions.not_followed", session_id=new.session_id, problem=str(error))
