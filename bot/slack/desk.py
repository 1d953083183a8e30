"""From gesture to answer: reads what was asked, has it done, and shows what came of it where it belongs."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.observability import Clock, Metrics
from bot.operations.answers import ActionAnswer
from bot.operations.catalog import CATALOG, Operation, operation_of
from bot.operations.forms import Form, PickForm
from bot.operations.outcomes import Ambiguous, Broken, Done, Failed, Misread, MovedOn, NeedsForm, Outcome
from bot.operations.parser import parse
from bot.operations.requests import Gesture, Request
from bot.operations.runner import Runner
from bot.operations.searching import Search, Sought
from bot.operations.steps import is_bare, is_reviewed
from bot.slack.codec import Act, Carried, Share, Turn, Unreadable, decode, decode_form, is_form
from bot.slack.gestures import Place, Pressed, Searching, SeenView, Submitted, Typed, of_form
from bot.slack.modals import Modals
from bot.slack.replies import Posted, Replies
from bot.slack.text import typed_line
from bot.slack.views import forms, inputs
from bot.slack.views.message import Message
from bot.slack.views.notices import still_asking, unreadable_press
from bot.slack.views.outcomes import outcome as draw
from bot.slack.views.unopened import in_words
from bot.slack.work import Work
from bot.store import FollowedSessions, NewFollowedSession, StoreError

PATIENCE_SECONDS = 3.0
_HEAD_START_SECONDS = 0.5
_SUGGESTED_WITHIN_SECONDS = 2.4

Then = Callable[[Gesture, Outcome], Awaitable[None]]
"""What else is to be done about what came of a form."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A form that is open: what it is for, whose it is, and where it was opened from.

    `back` leads to what was entered before, if anything was.
    """

    gesture: Gesture
    place: Place
    operation: Operation
    view_id: str
    back: Carried | None = None


class Desk:
    """Serves gestures. A listener hands one over after it was acknowledged; everything else happens here."""

    def __init__(
        self,
        runner: Runner,
        replies: Replies,
        modals: Modals,
        followed: FollowedSessions,
        work: Work,
        *,
        command: str,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._runner = runner
        self._replies = replies
        self._modals = modals
        self._followed = followed
        self._work = work
        self._command = command
        self._clock = clock
        self._metrics = metrics

    def take_typed(self, typed: Typed) -> None:
        """Serve a slash command."""
        self._take(typed.gesture, typed.place, self._serve_typed(typed))

    def take_pressed(self, pressed: Pressed) -> None:
        """Serve a button or a menu."""
        self._take(pressed.gesture, pressed.place, self._serve_pressed(pressed))

    def _take(self, gesture: Gesture, place: Place, serving: Coroutine[Any, Any, None]) -> None:
        async def broken(what: Broken) -> None:
            await self._show(gesture, place, what)

        self._work.hand_over(gesture, serving, broken)

    async def _serve_typed(self, typed: Typed) -> None:
        await self._run(typed.gesture, typed.place, parse(typed_line(typed.text), CATALOG))

    async def _serve_pressed(self, pressed: Pressed) -> None:
        match decode(pressed.action_id, pressed.value or ""):
            case Act(request=request) if pressed.view is not None and is_form(pressed.view.callback_id):
                await self._serve_in_form(pressed, pressed.view, request)
            case Act(request=request):
                await self._run(pressed.gesture, pressed.place, request)
            case Turn(request=request):
                outcome = await self._outcome(pressed.gesture, pressed.place, request)
                reply = draw(outcome, pressed.gesture.reference, command=self._command)
                await self._replies.whisper(pressed.place, reply.message, replace=pressed.place.is_ephemeral)
            case Share(request=request):
                outcome = await self._outcome(pressed.gesture, pressed.place, request)
                await self._show(pressed.gesture, pressed.place, outcome, is_shared=True)
            case Unreadable() as press:
                self._count(pressed.gesture, "unreadable")
                await self._replies.whisper(pressed.place, unreadable_press(press))

    def take_submitted(self, form: Submitted, then: Then | None = None) -> dict[str, Any]:
        """Serve a form; return what Slack is answered: mistakes by block, or that it is worked on.

        `then` is called with what came of it, once that was shown.
        """
        carried = decode_form(form.carried)
        if isinstance(carried, Unreadable):
            return {"response_action": "update", "view": forms.unreadable(carried)}
        request = forms.filled(carried, form.entered)
        if isinstance(request, Mapping):
            return {"response_action": "errors", "errors": dict(request)}
        gesture = of_form(form, carried.channel_id)
        place = Place(form.person_id, carried.channel_id, None, carried.thread_ts)
        shown = _Shown(gesture, place, operation_of(request), form.view_id, forms.back_to(request, carried))

        async def broken(what: Broken) -> None:
            await self._show_in_form(shown, what)

        self._work.hand_over(gesture, self._serve_form(shown, request, then), broken)
        busy = forms.loading if is_bare(request) or is_reviewed(request) else forms.working
        return {"response_action": "update", "view": busy(shown.operation)}

    async def suggest(self, search: Searching) -> dict[str, Any]:
        """Return what Slack is answered for a search menu in its three seconds; nothing if it takes more."""
        carried = decode_form(search.carried)
        sought = next((each for each in Sought if each == search.field), None)
        if isinstance(carried, Unreadable) or sought is None:
            return inputs.offered(())
        gesture = replace(search.gesture, channel_id=carried.channel_id)
        try:
            async with asyncio.timeout(_SUGGESTED_WITHIN_SECONDS):
                found = await self._runner.suggest(gesture, Search(sought, search.text, carried.request))
        except TimeoutError:
            log.warning("desk.suggested_too_late", sought=sought)
            found = ()
        return inputs.offered(found)

    async def _serve_in_form(self, pressed: Pressed, view: SeenView, request: Request) -> None:
        """Go on, or back, in the form that a button stands in: what it asks for takes the form's place."""
        carried = decode_form(view.carried)
        if isinstance(carried, Unreadable):
            await self._modals.update(view.id, forms.unreadable(carried))
            return
        gesture = replace(pressed.gesture, channel_id=carried.channel_id)
        place = replace(pressed.place, channel_id=carried.channel_id, thread_ts=carried.thread_ts)
        shown = _Shown(gesture, place, operation_of(request), view.id, forms.back_to(request, carried))
        await self._show_in_form(shown, await self._runner.run(gesture, request))

    async def _serve_form(self, shown: _Shown, request: Request, then: Then | None) -> None:
        began = self._clock.monotonic()
        outcome = await self._runner.run(shown.gesture, request)
        # Slack keeps no order between the answer to a submission and a later call: the answer goes first.
        await self._clock.sleep(max(0.0, _HEAD_START_SECONDS - (self._clock.monotonic() - began)))
        await self._show_in_form(shown, outcome)
        if then is not None:
            await then(shown.gesture, outcome)

    async def _open_form(self, gesture: Gesture, place: Place, request: Request) -> None:
        operation = operation_of(request)
        view_id = await self._modals.open(place, forms.loading(operation))
        if view_id is None:
            await self._show(gesture, place, await self._outcome(gesture, place, request))
            return
        shown = _Shown(gesture, place, operation, view_id)
        await self._show_in_form(shown, await self._runner.run(gesture, request))

    async def _show_in_form(self, shown: _Shown, outcome: Outcome) -> None:
        """Show it in the form; also where it was asked, if it concerns others or bears something to press."""
        asked = outcome.form if isinstance(outcome, NeedsForm | Failed) else None
        if asked is not None and await self._show_form(shown, asked):
            self._count(shown.gesture, type(outcome).__name__.lower())
            if isinstance(asked, PickForm):
                said = in_words(shown.operation, command=self._command, is_open=True)
                await self._replies.whisper(shown.place, said)
            return
        reply = draw(outcome, shown.gesture.reference, command=self._command)
        back = shown.back if isinstance(outcome, Broken | Failed) else None
        is_seen = await self._modals.update(shown.view_id, forms.told(shown.operation, reply.message, back))
        if not is_seen or reply.in_channel or isinstance(outcome, Ambiguous | MovedOn | NeedsForm):
            await self._show(shown.gesture, shown.place, outcome)
        else:
            self._count(shown.gesture, type(outcome).__name__.lower())

    async def _show_form(self, shown: _Shown, asked: Form) -> bool:
        """Show the form, or the next of several; False where it is closed by now, or cannot be carried."""
        place = shown.place
        view = forms.form(asked, channel_id=place.channel_id, thread_ts=place.thread_ts)
        return view is not None and await self._modals.update(shown.view_id, view)

    async def _run(self, gesture: Gesture, place: Place, request: Request | Misread) -> None:
        if not isinstance(request, Misread) and is_bare(request):
            await self._open_form(gesture, place, request)
            return
        await self._show(gesture, place, await self._outcome(gesture, place, request))

    async def _outcome(self, gesture: Gesture, place: Place, request: Request | Misread) -> Outcome:
        """Run the request; what takes longer than people like to wait is announced."""
        async with asyncio.TaskGroup() as group:
            reminder = group.create_task(self._remind(place))
            try:
                return await self._runner.run(gesture, request)
            finally:
                reminder.cancel()

    async def _remind(self, place: Place) -> None:
        await self._clock.sleep(PATIENCE_SECONDS)
        await self._replies.whisper(place, still_asking())

    async def _show(
        self, gesture: Gesture, place: Place, outcome: Outcome, *, is_shared: bool = False
    ) -> None:
        self._count(gesture, type(outcome).__name__.lower())
        shared_by = gesture.person_id if is_shared else None
        reply = draw(outcome, gesture.reference, command=self._command, shared_by=shared_by)
        if not reply.in_channel:
            await self._replies.whisper(place, reply.message)
            return
        posted = await self._replies.say(place, reply.message)
        if posted is None or not isinstance(outcome, Done) or not isinstance(outcome.answer, ActionAnswer):
            return
        await self._follow(outcome.answer, posted)
        link = await self._replies.link(posted)
        reference = outcome.answer.reference or gesture.reference
        await self._runner.shown(reference, channel_id=posted.channel_id, ts=posted.ts, link=link)

    async def _follow(self, answer: ActionAnswer, posted: Posted) -> None:
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
            # The action is done and told; only its message stays as it is.
            log.error("desk.not_followed", session_id=new.session_id, problem=str(error))

    def _count(self, gesture: Gesture, outcome: str) -> None:
        self._metrics.gesture_answered(gesture.origin.value, outcome)

    async def ask(self, gesture: Gesture, request: Request) -> Outcome:
        """Run the request, for a place that says by itself that something is being asked."""
        return await self._runner.run(gesture, request)

    async def act(self, gesture: Gesture, place: Place, request: Request) -> Outcome:
        """Run the request, show what came of it at the place, and return it."""
        outcome = await self._outcome(gesture, place, request)
        await self._show(gesture, place, outcome)
        return outcome

    async def show(self, gesture: Gesture, place: Place, outcome: Outcome) -> None:
        """Show at the place what came of it."""
        await self._show(gesture, place, outcome)

    async def whisper(self, place: Place, message: Message) -> None:
        """Tell the person alone."""
        await self._replies.whisper(place, message)

    def count(self, gesture: Gesture, outcome: Outcome) -> None:
        """Count a gesture that was answered elsewhere."""
        self._count(gesture, type(outcome).__name__.lower())
