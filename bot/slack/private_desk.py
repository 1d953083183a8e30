"""What somebody does where nobody else looks: in App Home, by a shortcut, and in the modals that these open.

There is no channel and no response address in a view. Answers are shown in a modal; what was done is told in
the person's direct messages, where its message is kept current, and the Home is drawn anew.
"""

from collections.abc import Coroutine
from typing import Any

from bot.observability import Clock
from bot.operations.answers import HomeAnswer
from bot.operations.catalog import JOB, SESSION, Kind, Operation, operation_of
from bot.operations.outcomes import Asked, Broken, Done, Outcome, Unclear
from bot.operations.requests import (
    Gesture,
    HomeRequest,
    JobRequest,
    JobsFilter,
    JobsRequest,
    KnownJob,
    Request,
)
from bot.operations.steps import is_bare, subject_of
from bot.slack.app_home import AppHome
from bot.slack.codec import Act, Share, Turn, Unreadable, decode, decode_form
from bot.slack.desk import Desk
from bot.slack.gestures import Opened, Pressed, ReplyTarget, SeenMessage, SeenView, Submitted, UsedShortcut
from bot.slack.manifest import FAILED_SHORTCUT
from bot.slack.modals import Modals
from bot.slack.sheets import Sheet
from bot.slack.views.home import home, home_problem
from bot.slack.views.message import Block, Message
from bot.slack.views.outcomes import outcome as draw
from bot.slack.views.problems import not_about_a_job
from bot.slack.views.surface import HOME_CALLBACK, loading
from bot.slack.web_api import WebApi, Workspace
from bot.slack.work import Work
from bot.veeam import JobId, ServerName

_CHANGING = Done | Asked | Unclear
_TITLES = {JOB.name: "Details of the job", SESSION.name: "Details of the session"}


class PrivateDesk:
    """Serves these gestures, each with the rights that its person has at the time."""

    def __init__(
        self, desk: Desk, web: WebApi, work: Work, workspace: Workspace, *, command: str, clock: Clock
    ) -> None:
        self._desk = desk
        self._home = AppHome(web, clock)
        self._modals = Modals(web)
        self._work = work
        self._own = {workspace.bot_id, workspace.bot_user_id} - {""}
        self._command = command

    def take_opened(self, opened: Opened) -> None:
        """Show whoever opened it their Home; opened again at once, it stands as it is."""
        gesture = opened.gesture
        if self._home.is_fresh(gesture.person_id):
            return
        turn = self._home.turn(gesture.person_id)

        async def broken(what: Broken) -> None:
            self._desk.count(gesture, what)
            await self._publish(gesture, turn, what)

        self._work.hand_over(gesture, self._serve_opened(opened, turn), broken)

    def take_shortcut(self, used: UsedShortcut) -> None:
        """Serve a shortcut in a modal."""
        title = FAILED_SHORTCUT.name if used.message is None else _title(JOB)
        sheet = Sheet(self._modals, title)
        self._take(used.gesture, used.place, sheet, self._serve_shortcut(used, sheet))

    def take_pressed(self, pressed: Pressed) -> None:
        """Serve a button or a menu of a Home or of such a modal."""
        press = decode(pressed.action_id, pressed.value or "")
        if isinstance(press, Unreadable) or pressed.view is None or is_bare(press.request):
            # What cannot be read is answered, and what takes a form is asked, as everywhere else.
            self._desk.take_pressed(pressed)
            return
        sheet, serving = self._served(pressed, pressed.view, press)
        self._take(pressed.gesture, pressed.place, sheet, serving)

    def take_submitted(self, form: Submitted) -> dict[str, Any]:
        """Serve a form that was opened where nobody else looks; return what Slack is answered."""
        return self._desk.take_submitted(form, self._redraw)

    def _served(
        self, pressed: Pressed, view: SeenView, press: Act | Turn | Share
    ) -> tuple[Sheet, Coroutine[Any, Any, None]]:
        is_home, request = view.callback_id == HOME_CALLBACK, press.request
        operation = operation_of(request)
        there = Sheet(self._modals, view.title, None if is_home else view.id)
        if isinstance(request, HomeRequest):
            return there, self._serve_refresh(pressed.gesture)
        if operation.kind is Kind.ACTION:
            acting = (
                self._act_at_home(pressed, request)
                if is_home
                else self._act_in_sheet(pressed, request, there)
            )
            return there, acting
        if isinstance(press, Act):
            new = Sheet(self._modals, _title(operation))
            return new, self._answer_in_new(pressed, request, new, None if is_home else there)
        return there, self._answer(pressed.gesture, pressed.place, request, there)

    def _take(
        self, gesture: Gesture, place: ReplyTarget, sheet: Sheet, serving: Coroutine[Any, Any, None]
    ) -> None:
        async def broken(what: Broken) -> None:
            await self._show(gesture, place, what, sheet)

        self._work.hand_over(gesture, serving, broken)

    async def _serve_opened(self, opened: Opened, turn: int) -> None:
        gesture = opened.gesture
        if not opened.is_published:
            await self._home.publish(gesture.person_id, loading().blocks, turn)
        await self._ask_and_publish(gesture, turn)

    async def _serve_refresh(self, gesture: Gesture) -> None:
        await self._ask_and_publish(gesture, self._home.turn(gesture.person_id))

    async def _ask_and_publish(self, gesture: Gesture, turn: int) -> None:
        outcome = await self._desk.ask(gesture, HomeRequest())
        self._desk.count(gesture, outcome)
        await self._publish(gesture, turn, outcome)

    async def _refresh(self, gesture: Gesture, told: Message | None = None) -> None:
        """Draw the Home anew after what a gesture did that was answered already."""
        turn = self._home.turn(gesture.person_id)
        await self._publish(gesture, turn, await self._desk.ask(gesture, HomeRequest()), told=told)

    async def _serve_shortcut(self, used: UsedShortcut, sheet: Sheet) -> None:
        await sheet.open(used.place)
        request = self._asked_by(used)
        if request is not None:
            await self._answer(used.gesture, used.place, request, sheet)
        elif not await sheet.show(not_about_a_job()):
            await self._desk.post_ephemeral(used.place, not_about_a_job())

    def _asked_by(self, used: UsedShortcut) -> Request | None:
        if used.message is None:
            return JobsRequest(which=JobsFilter.FAILED)
        job = job_of(used.message) if used.message.author in self._own else None
        return None if job is None else JobRequest(job)

    async def _answer_in_new(
        self, pressed: Pressed, request: Request, new: Sheet, below: Sheet | None
    ) -> None:
        is_open = await new.open(pressed.place, on_top=below is not None)
        # Slack stacks three modals; the fourth answer takes the place of the third.
        sheet = new if is_open or below is None else below
        await self._answer(pressed.gesture, pressed.place, request, sheet)

    async def _answer(self, gesture: Gesture, place: ReplyTarget, request: Request, sheet: Sheet) -> None:
        await self._show(gesture, place, await self._desk.ask(gesture, request), sheet)

    async def _act_at_home(self, pressed: Pressed, request: Request) -> None:
        gesture = pressed.gesture
        outcome = await self._desk.act(gesture, pressed.place, request)
        await self._refresh(gesture, told=self._drawn(gesture, outcome))

    async def _act_in_sheet(self, pressed: Pressed, request: Request, sheet: Sheet) -> None:
        """Do it; the modal says so once, the direct message is kept current."""
        gesture = pressed.gesture
        outcome = await self._desk.ask(gesture, request)
        if isinstance(outcome, Done):
            await self._desk.show(gesture, pressed.place, outcome)
            await sheet.show(self._drawn(gesture, outcome))
        else:
            await self._show(gesture, pressed.place, outcome, sheet)
        await self._redraw(gesture, outcome)

    async def _redraw(self, gesture: Gesture, outcome: Outcome) -> None:
        """Draw the Home anew of whoever has one, after what may have changed it."""
        if isinstance(outcome, _CHANGING) and self._home.was_shown(gesture.person_id):
            reply = draw(outcome, gesture.reference, command=self._command)
            await self._refresh(gesture, told=reply.message if reply.in_channel else None)

    async def _show(self, gesture: Gesture, place: ReplyTarget, outcome: Outcome, sheet: Sheet) -> None:
        if await sheet.show(self._drawn(gesture, outcome)):
            self._desk.count(gesture, outcome)
        else:
            await self._desk.show(gesture, place, outcome)

    async def _publish(
        self, gesture: Gesture, turn: int, outcome: Outcome, *, told: Message | None = None
    ) -> None:
        await self._home.publish(gesture.person_id, self._home_of(gesture, outcome, told), turn)

    def _home_of(self, gesture: Gesture, outcome: Outcome, told: Message | None) -> tuple[Block, ...]:
        match outcome:
            case Done(HomeAnswer() as answer):
                return home(answer, command=self._command, result=told)
            case _:
                return home_problem(self._drawn(gesture, outcome))

    def _drawn(self, gesture: Gesture, outcome: Outcome) -> Message:
        return draw(outcome, gesture.reference, command=self._command).message


def is_private(form: Submitted) -> bool:
    """Whether the form was opened in no channel: from a Home, or from a modal of a shortcut."""
    carried = decode_form(form.carried)
    return not isinstance(carried, Unreadable) and carried.channel_id is None


def job_of(message: SeenMessage) -> KnownJob | None:
    """Return the job that a message of the bot is about: by its metadata, or by its buttons.

    It is no more than a question; whether the person may see that job is asked when it is answered.
    """
    if message.server is not None and message.job_id is not None:
        return KnownJob(ServerName(message.server), JobId(message.job_id))
    requests = (decode(element.action_id, element.value) for element in message.elements)
    jobs = (subject_of(press.request) for press in requests if isinstance(press, Act))
    return next((job for job in jobs if isinstance(job, KnownJob)), None)


def _title(operation: Operation) -> str:
    return _TITLES.get(operation.name, operation.name.capitalize())
