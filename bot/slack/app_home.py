"""What people do where nobody else looks: in App Home, by a shortcut, and in the modals that these open.

There is no channel and no response address in a view. Answers are shown in a modal; what was done is told in
the person's direct messages, where its message is kept current, and the Home is drawn again.
"""

import itertools
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from bot.observability import Clock
from bot.operations.model import Gesture, Kind, KnownJob, Operation, Request
from bot.operations.outcomes import ApprovalRequested, Done, InternalError, Outcome, Unclear
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import JobsFilter, ListJobs
from bot.operations.queries.session import ShowSession
from bot.operations.service import Service
from bot.settings import PersonId
from bot.slack.codec import RunRequest, Share, TurnPage, UnreadablePress, decode
from bot.slack.errors import SlackError, SlackRateLimited
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.gestures import (
    ButtonPress,
    FormSubmission,
    HomeOpened,
    OpenView,
    ReplyTarget,
    ShortcutMessage,
    ShortcutUse,
)
from bot.slack.interactions import Interactions
from bot.slack.manifest import FAILED_SHORTCUT
from bot.slack.modals import AnswerModal, Modals
from bot.slack.replies import Replies
from bot.slack.views.home import home, home_problem
from bot.slack.views.message import Block, Message
from bot.slack.views.problems import not_about_a_job
from bot.slack.views.surface import HOME_CALLBACK, home_view, loading
from bot.slack.web_api import WebApi, Workspace
from bot.veeam import JobId, ServerName

FRESH_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 5.0
_MOST_PEOPLE = 5_000
_CHANGES_HOME = Done | ApprovalRequested | Unclear
_TITLES = {ShowJob.operation.name: "Details of the job", ShowSession.operation.name: "Details of the session"}

log = structlog.get_logger()


class HomeTabs:
    """Publishes everybody's Home tab by `views.publish`: the newest answer wins.

    Never raises: a Home that could not be published is logged, and the old one stands.
    """

    def __init__(self, web: WebApi, clock: Clock) -> None:
        self._web = web
        self._clock = clock
        self._turns = itertools.count(1)
        self._latest: dict[PersonId, tuple[int, float]] = {}

    def is_fresh(self, person_id: PersonId) -> bool:
        """Whether the person's Home was drawn, or began to be, a moment ago."""
        _, at = self._latest.get(person_id, (0, float("-inf")))
        return self._clock.monotonic() - at < FRESH_SECONDS

    def was_opened(self, person_id: PersonId) -> bool:
        """Whether the person has opened their Home since the bot started."""
        return person_id in self._latest

    def turn(self, person_id: PersonId) -> int:
        """Return the number to publish under; taken before the question is asked that the Home answers."""
        turn = next(self._turns)
        if len(self._latest) >= _MOST_PEOPLE:
            self._latest.clear()
        self._latest[person_id] = (turn, self._clock.monotonic())
        return turn

    async def publish(self, person_id: PersonId, blocks: Sequence[Block], turn: int) -> None:
        """Show this Home, unless a later turn was taken meanwhile."""
        if self._latest.get(person_id, (turn, 0.0))[0] > turn:
            return
        sent = {"user_id": person_id, "view": home_view(blocks)}
        try:
            try:
                await self._web.write("views.publish", sent)
            except SlackRateLimited as error:
                if error.retry_after_seconds > _LONGEST_WAIT_SECONDS:
                    raise
                await self._clock.sleep(error.retry_after_seconds)
                await self._web.write("views.publish", sent)
        except SlackError as error:
            self._latest.pop(person_id, None)
            log.warning("home.not_published", problem=str(error))


class AppHome:
    """Serves these gestures, each with the rights that its person has at the time."""

    def __init__(
        self,
        service: Service,
        interactions: Interactions,
        replies: Replies,
        web: WebApi,
        tasks: GestureTasks,
        workspace: Workspace,
        *,
        command: str,
        clock: Clock,
    ) -> None:
        self._service = service
        self._interactions = interactions
        self._replies = replies
        self._tabs = HomeTabs(web, clock)
        self._modals = Modals(web)
        self._tasks = tasks
        self._own_ids = {workspace.bot_id, workspace.bot_user_id} - {""}
        self._command = command

    def take_opened(self, opened: HomeOpened) -> None:
        """Show the person their Home; opened again at once, it stands as it is."""
        gesture = opened.gesture
        if self._tabs.is_fresh(gesture.person_id):
            return
        turn = self._tabs.turn(gesture.person_id)

        async def on_error(error: InternalError) -> None:
            self._interactions.count(gesture, error)
            await self._publish(gesture, turn, error)

        async def serve() -> None:
            if not opened.is_published:
                await self._tabs.publish(gesture.person_id, loading().blocks, turn)
            await self._ask_and_publish(gesture, turn)

        self._tasks.run(gesture, serve(), on_error)

    def take_shortcut(self, used: ShortcutUse) -> None:
        """Serve a shortcut in a modal."""
        title = FAILED_SHORTCUT.name if used.message is None else _title(ShowJob.operation)
        modal = AnswerModal(self._modals, title)
        self._take(used.gesture, used.target, modal, self._serve_shortcut(used, modal))

    def take_press(self, press: ButtonPress) -> None:
        """Serve a button or a menu of a Home or of such a modal."""
        pressed = decode(press.action_id, press.value or "")
        if isinstance(pressed, UnreadablePress) or press.view is None or pressed.request.needs_form:
            # What cannot be read is answered, and what takes a form is asked, as everywhere else.
            self._interactions.take_press(press)
            return
        modal, serving = self._serve_press(press, press.view, pressed)
        self._take(press.gesture, press.target, modal, serving)

    def take_submission(self, form: FormSubmission) -> dict[str, Any]:
        """Serve a form that was opened where nobody else looks; return what Slack is answered."""
        return self._interactions.take_submission(form, self._refresh_after)

    def _take(
        self,
        gesture: Gesture,
        target: ReplyTarget,
        modal: AnswerModal,
        serving: Coroutine[Any, Any, None],
    ) -> None:
        async def on_error(error: InternalError) -> None:
            await self._show(gesture, target, error, modal)

        self._tasks.run(gesture, serving, on_error)

    def _serve_press(
        self, press: ButtonPress, view: OpenView, pressed: RunRequest | TurnPage | Share
    ) -> tuple[AnswerModal, Coroutine[Any, Any, None]]:
        is_home, request, gesture = view.callback_id == HOME_CALLBACK, pressed.request, press.gesture
        there = AnswerModal(self._modals, view.title, None if is_home else view.id)
        if isinstance(request, ShowHome):
            return there, self._ask_and_publish(gesture, self._tabs.turn(gesture.person_id))
        if request.operation.kind is Kind.ACTION:
            act = self._act_at_home(press, request) if is_home else self._act_in_modal(press, request, there)
            return there, act
        if isinstance(pressed, RunRequest):
            new = AnswerModal(self._modals, _title(request.operation))
            return new, self._answer_in_new(press, request, new, None if is_home else there)
        return there, self._answer(gesture, press.target, request, there)

    async def _serve_shortcut(self, used: ShortcutUse, modal: AnswerModal) -> None:
        await modal.open(used.target)
        request: Request | None = ListJobs(which=JobsFilter.FAILED)
        if used.message is not None:
            job = job_of(used.message) if used.message.author in self._own_ids else None
            request = None if job is None else ShowJob(job)
        if request is not None:
            await self._answer(used.gesture, used.target, request, modal)
        elif not await modal.show(not_about_a_job()):
            await self._replies.post_ephemeral(used.target, not_about_a_job())

    async def _answer_in_new(
        self, press: ButtonPress, request: Request, new: AnswerModal, below: AnswerModal | None
    ) -> None:
        is_open = await new.open(press.target, on_top=below is not None)
        # Slack stacks three modals; the fourth answer takes the place of the third.
        modal = new if is_open or below is None else below
        await self._answer(press.gesture, press.target, request, modal)

    async def _answer(
        self, gesture: Gesture, target: ReplyTarget, request: Request, modal: AnswerModal
    ) -> None:
        await self._show(gesture, target, await self._service.run(gesture, request), modal)

    async def _act_at_home(self, press: ButtonPress, request: Request) -> None:
        outcome = await self._interactions.act(press.gesture, press.target, request)
        await self._refresh(press.gesture, news=self._drawn(press.gesture, outcome))

    async def _act_in_modal(self, press: ButtonPress, request: Request, modal: AnswerModal) -> None:
        """Do it; the modal says so once, the direct message is kept current."""
        gesture = press.gesture
        outcome = await self._service.run(gesture, request)
        if isinstance(outcome, Done):
            await self._interactions.show(gesture, press.target, outcome)
            await modal.show(self._drawn(gesture, outcome))
        else:
            await self._show(gesture, press.target, outcome, modal)
        await self._refresh_after(gesture, outcome)

    async def _ask_and_publish(self, gesture: Gesture, turn: int) -> None:
        outcome = await self._service.run(gesture, ShowHome())
        self._interactions.count(gesture, outcome)
        await self._publish(gesture, turn, outcome)

    async def _refresh(self, gesture: Gesture, news: Message | None = None) -> None:
        """Draw the Home again after what a gesture did that was answered already."""
        turn = self._tabs.turn(gesture.person_id)
        await self._publish(gesture, turn, await self._service.run(gesture, ShowHome()), news=news)

    async def _refresh_after(self, gesture: Gesture, outcome: Outcome) -> None:
        """Draw the Home again of a person who has one, after what may have changed it."""
        if isinstance(outcome, _CHANGES_HOME) and self._tabs.was_opened(gesture.person_id):
            reply = self._interactions.draw(gesture, outcome)
            await self._refresh(gesture, news=reply.message if reply.in_channel else None)

    async def _show(
        self, gesture: Gesture, target: ReplyTarget, outcome: Outcome, modal: AnswerModal
    ) -> None:
        if await modal.show(self._drawn(gesture, outcome)):
            self._interactions.count(gesture, outcome)
        else:
            await self._interactions.show(gesture, target, outcome)

    async def _publish(
        self, gesture: Gesture, turn: int, outcome: Outcome, *, news: Message | None = None
    ) -> None:
        match outcome:
            case Done(HomeAnswer() as answer):
                blocks = home(answer, command=self._command, result=news)
            case _:
                blocks = home_problem(self._drawn(gesture, outcome))
        await self._tabs.publish(gesture.person_id, blocks, turn)

    def _drawn(self, gesture: Gesture, outcome: Outcome) -> Message:
        return self._interactions.draw(gesture, outcome).message


def job_of(message: ShortcutMessage) -> KnownJob | None:
    """Return the job that a message of the bot is about: by its metadata, or by its buttons.

    It is no more than a question; whether the person may see that job is asked when it is answered.
    """
    if message.server is not None and message.job_id is not None:
        return KnownJob(ServerName(message.server), JobId(message.job_id))
    requests = (decode(element.action_id, element.value) for element in message.elements)
    jobs = (press.request.subject for press in requests if isinstance(press, RunRequest))
    return next((job for job in jobs if isinstance(job, KnownJob)), None)


def _title(operation: Operation) -> str:
    return _TITLES.get(operation.name, operation.name.capitalize())
