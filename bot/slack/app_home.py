"""What people do where nobody else looks: in App Home, by a shortcut, and in the modals that these open.

There is no channel and no response address in a view. Answers are shown in a modal; actions are reported in
the person's direct messages, where the message is kept current, and the Home is drawn again.
"""

import itertools
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog

from bot.observability import Clock
from bot.operations import outcomes
from bot.operations.job_filters import JobsFilter
from bot.operations.model import Gesture, Kind, Operation, Request
from bot.operations.queries.home import HomeAnswer, ShowHome
from bot.operations.queries.job import ShowJob
from bot.operations.queries.jobs import ListJobs
from bot.operations.queries.session import ShowSession
from bot.operations.queries.why import ExplainFailure
from bot.operations.service import Service
from bot.settings import PersonId
from bot.slack import codec, errors, gestures
from bot.slack.gesture_tasks import GestureTasks
from bot.slack.interactions import Interactions
from bot.slack.manifest import FAILED_SHORTCUT
from bot.slack.replies import AnswerModal, Modals, Replies
from bot.slack.views.home import home, home_problem
from bot.slack.views.message import Block, Message
from bot.slack.views.problems import not_about_a_job
from bot.slack.views.surface import HOME_CALLBACK, asking_vbr, home_view
from bot.slack.web_api import WebApi, Workspace

FRESH_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 5.0
_MOST_PEOPLE = 5_000
_CHANGES_HOME = outcomes.Done | outcomes.ApprovalRequested | outcomes.Unclear
_TITLES = {
    ShowJob.operation.name: "Details of the job",
    ShowSession.operation.name: "Details of the session",
    ExplainFailure.operation.name: "Why it failed",
}

log = structlog.get_logger()


class HomeTabs:
    """Publishes everybody's Home tab by `views.publish`: the newest answer wins.

    Never raises: a Home that could not be published is logged, and the old one stands.
    """

    def __init__(self, web_api: WebApi, clock: Clock) -> None:
        self._web_api = web_api
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
                await self._web_api.write("views.publish", sent)
            except errors.SlackRateLimited as error:
                if error.retry_after_seconds > _LONGEST_WAIT_SECONDS:
                    raise
                await self._clock.sleep(error.retry_after_seconds)
                await self._web_api.write("views.publish", sent)
        except errors.SlackError as error:
            self._latest.pop(person_id, None)
            log.warning("home.not_published", problem=str(error))


class AppHome:
    """Serves these gestures, each with the rights that its person has at the time."""

    def __init__(
        self,
        service: Service,
        interactions: Interactions,
        replies: Replies,
        modals: Modals,
        tabs: HomeTabs,
        tasks: GestureTasks,
        *,
        workspace: Workspace,
        command: str,
    ) -> None:
        self._service = service
        self._interactions = interactions
        self._replies = replies
        self._modals = modals
        self._tabs = tabs
        self._tasks = tasks
        self._own_ids = {workspace.bot_id, workspace.bot_user_id} - {""}
        self._command = command

    def take_opened(self, opened: gestures.HomeOpened) -> None:
        """Show the person their Home; opened again at once, it stands as it is."""
        gesture = opened.gesture
        if self._tabs.is_fresh(gesture.person_id):
            return
        turn = self._tabs.turn(gesture.person_id)

        async def on_error(error: outcomes.InternalError) -> None:
            self._interactions.count(gesture, error)
            await self._publish(gesture, turn, error)

        async def serve() -> None:
            if not opened.is_published:
                await self._tabs.publish(gesture.person_id, asking_vbr().blocks, turn)
            await self._read_and_publish(gesture, turn)

        self._tasks.run(gesture, serve(), on_error)

    def take_shortcut(self, used: gestures.ShortcutUse) -> None:
        """Serve a shortcut in a modal."""
        title = FAILED_SHORTCUT.name if used.message is None else _title(ShowJob.operation)
        modal = AnswerModal(self._modals, title)
        self._take(used.gesture, used.target, modal, self._serve_shortcut(used, modal))

    def take_press(self, press: gestures.ButtonPress) -> None:
        """Serve a button or a menu of a Home or of such a modal."""
        action = press.action
        if (
            isinstance(action, codec.UnreadablePress | codec.DrawAgain)
            or press.view is None
            or action.request.needs_form
        ):
            # What cannot be read is answered, and what needs a form opens it, as everywhere else.
            self._interactions.take_press(press)
            return
        modal, serving = self._serve_press(press, press.view, action)
        self._take(press.gesture, press.target, modal, serving)

    def take_submission(self, form: gestures.FormSubmission) -> dict[str, Any]:
        """Serve a form that was opened where nobody else looks; return what Slack is answered."""
        return self._interactions.take_submission(form, self._refresh_after)

    def _take(
        self,
        gesture: Gesture,
        target: gestures.ReplyTarget,
        modal: AnswerModal,
        serving: Coroutine[Any, Any, None],
    ) -> None:
        async def on_error(error: outcomes.InternalError) -> None:
            await self._show(gesture, target, error, modal)

        self._tasks.run(gesture, self._interactions.answer(gesture, serving), on_error)

    def _serve_press(
        self,
        press: gestures.ButtonPress,
        view: gestures.OpenView,
        action: codec.RunRequest | codec.TurnPage | codec.Share,
    ) -> tuple[AnswerModal, Coroutine[Any, Any, None]]:
        """Return the modal that an error is shown in, and what serves the press."""
        is_home, request, gesture = view.callback_id == HOME_CALLBACK, action.request, press.gesture
        here = AnswerModal(self._modals, view.title, None if is_home else view.id)
        if isinstance(request, ShowHome):
            return here, self._read_and_publish(gesture, self._tabs.turn(gesture.person_id))
        if request.operation.kind is Kind.ACTION:
            return here, self._act(press, request, None if is_home else here)
        if isinstance(action, codec.RunRequest):
            new = AnswerModal(self._modals, _title(request.operation))
            return new, self._answer_in_new(press, request, new, None if is_home else here)
        return here, self._answer(gesture, press.target, request, here)

    async def _serve_shortcut(self, used: gestures.ShortcutUse, modal: AnswerModal) -> None:
        await modal.open(used.target)
        request: Request | None = ListJobs(which=JobsFilter.FAILED)
        if used.message is not None:
            request = used.message.request if used.message.author in self._own_ids else None
        if request is not None:
            await self._answer(used.gesture, used.target, request, modal)
        elif not await modal.show(not_about_a_job()):
            await self._replies.post_ephemeral(used.target, not_about_a_job())

    async def _answer_in_new(
        self, press: gestures.ButtonPress, request: Request, new: AnswerModal, below: AnswerModal | None
    ) -> None:
        is_open = await new.open(press.target, on_top=below is not None)
        # Slack stacks three modals; the fourth answer takes the place of the third.
        modal = new if is_open or below is None else below
        await self._answer(press.gesture, press.target, request, modal)

    async def _answer(
        self, gesture: Gesture, target: gestures.ReplyTarget, request: Request, modal: AnswerModal
    ) -> None:
        await self._show(gesture, target, await self._service.run(gesture, request), modal)

    async def _act(self, press: gestures.ButtonPress, request: Request, modal: AnswerModal | None) -> None:
        """Do it; the Home or the modal says so once, the direct message is kept current."""
        gesture, target = press.gesture, press.target
        if modal is None:
            outcome = await self._interactions.act(gesture, target, request)
            await self._refresh(gesture, news=self._drawn(gesture, outcome))
            return
        outcome = await self._service.run(gesture, request)
        if isinstance(outcome, outcomes.Done):
            await self._interactions.show(gesture, target, outcome)
            await modal.show(self._drawn(gesture, outcome))
        else:
            await self._show(gesture, target, outcome, modal)
        await self._refresh_after(gesture, outcome)

    async def _read_and_publish(self, gesture: Gesture, turn: int) -> None:
        outcome = await self._service.run(gesture, ShowHome())
        self._interactions.count(gesture, outcome)
        await self._publish(gesture, turn, outcome)

    async def _refresh(self, gesture: Gesture, news: Message | None = None) -> None:
        """Draw the Home again after what a gesture did that was answered already."""
        turn = self._tabs.turn(gesture.person_id)
        await self._publish(gesture, turn, await self._service.run(gesture, ShowHome()), news=news)

    async def _refresh_after(self, gesture: Gesture, outcome: outcomes.Outcome) -> None:
        """Draw the Home again of a person who has one, after what may have changed it."""
        if isinstance(outcome, _CHANGES_HOME) and self._tabs.was_opened(gesture.person_id):
            reply = self._interactions.draw(gesture, outcome)
            await self._refresh(gesture, news=reply.message if reply.in_channel else None)

    async def _show(
        self, gesture: Gesture, target: gestures.ReplyTarget, outcome: outcomes.Outcome, modal: AnswerModal
    ) -> None:
        if await modal.show(self._drawn(gesture, outcome)):
            self._interactions.count(gesture, outcome)
        else:
            await self._interactions.show(gesture, target, outcome)

    async def _publish(
        self, gesture: Gesture, turn: int, outcome: outcomes.Outcome, *, news: Message | None = None
    ) -> None:
        match outcome:
            case outcomes.Done(HomeAnswer() as answer):
                blocks = home(
                    answer,
                    command=self._command,
                    result=news,
                    missing=outcome.missing,
                    lacks_database=outcome.lacks_database,
                )
            case _:
                blocks = home_problem(self._drawn(gesture, outcome))
        await self._tabs.publish(gesture.person_id, blocks, turn)

    def _drawn(self, gesture: Gesture, outcome: outcomes.Outcome) -> Message:
        return self._interactions.draw(gesture, outcome).message


def _title(operation: Operation) -> str:
    return _TITLES.get(operation.name, operation.name.capitalize())
