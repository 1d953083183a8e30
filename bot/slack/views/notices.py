"""What is told that is no run of a job: a first start, silent servers, closed channels, old buttons."""

from bot.slack.codec import UnreadablePress, UnreadableReason
from bot.slack.text import channel, code, count, date, duration, literal, strong
from bot.slack.views import signs
from bot.slack.views.errors import in_brief_by_name
from bot.slack.views.message import Message, compose, fit, note, paragraph
from bot.slack.views.runs import run_line
from bot.watch.facts import BackfillProblems, BackfillSummary, ChannelClosed, OutageBegan, OutageEnded

_CLOSED = {
    "is_archived": "it is archived",
    "is_inactive": "it is archived",
    "not_in_channel": "the bot is not a member",
    "channel_not_found": "it is gone, or private and the bot is not a member",
    "restricted_action": "the bot may not post there",
    "restricted_action_read_only_channel": "the bot may not post there",
}


def caught_up(facts: BackfillSummary) -> Message:
    """A first start, in one line: what ended before it, counted."""
    total = sum(facts.results.values())
    counts = [f"{number:,} {literal(result)}" for result, number in facts.results.items() if number]
    said = f": {', '.join(counts)}" if counts else ""
    wrong = count(facts.problems_total, "job")
    line = (
        f"{signs.INFORMATION} Watching {strong(facts.server)} from now on. "
        f"Since {date(facts.since)} {count(total, 'session')} ended{said}."
        f"{f' The latest run of {wrong} failed or warned: see the thread.' if facts.problems_total else ''}"
    )
    return compose([paragraph(line)])


def caught_up_problems(facts: BackfillProblems) -> Message:
    """In its thread: the jobs whose latest run failed or warned."""
    left_out = facts.problems_total - len(facts.problems)
    more = note(
        f"… and {count(left_out, 'job')} more: see `jobs failed` and `jobs warning`." if left_out else ""
    )
    lines = [paragraph(run_line(run)) for run in facts.problems]
    return compose([paragraph("Latest run failed or warned:")], lines, [more], noun="job")


def not_kept_current(message: Message) -> Message:
    """The message for a place where the bot cannot post itself, and so cannot edit what it said."""
    said = note("This is not kept current: Slack did not let the bot post here itself. Is it a member?")
    return fit(Message(f"{message.text}\n{said.text}", message.blocks + said.blocks, message.metadata))


def still_asking() -> Message:
    """An answer takes longer than people like to wait; said once, to the asker alone."""
    return compose([paragraph(f"{signs.BUSY} Still asking VBR. The answer comes here.")])


def server_silent(facts: OutageBegan) -> Message:
    """A server has not answered for several polls."""
    detail = facts.detail.removeprefix(f"{facts.server}: ").removeprefix(f"{facts.problem}: ")
    return compose(
        [
            paragraph(
                f"{signs.WARNING} {strong(facts.server)} has not answered since {date(facts.since)}: "
                f"{in_brief_by_name(facts.problem)}.",
                code(detail) if detail else "",
                "What ends there meanwhile is told once it is back.",
            )
        ]
    )


def server_back(facts: OutageEnded) -> Message:
    """A silent server answers again."""
    missed = "What ended meanwhile is told now."
    if facts.late_total == 1:
        missed = "1 session that ended meanwhile is told now, marked late."
    if facts.late_total > 1:
        missed = f"{facts.late_total:,} sessions that ended meanwhile are told now, marked late."
    silent = duration(facts.ended_at - facts.since)
    return compose(
        [
            paragraph(
                f"{signs.SUCCESS} {strong(facts.server)} answers again, after {silent} of silence.", missed
            )
        ]
    )


def channel_closed(facts: ChannelClosed) -> Message:
    """A channel cannot be posted to, told in another one."""
    why = _CLOSED.get(facts.problem, "Slack refuses it")
    waiting = f"{count(facts.waiting, 'announcement')} for it waiting. " if facts.waiting else ""
    return compose(
        [
            paragraph(
                f"{signs.WARNING} The bot can't post to {channel(facts.channel)}: "
                f"{why} ({code(facts.problem)}).",
                f"{waiting}Invite the bot there, or change the routes in its settings.",
            )
        ]
    )


def not_about_a_job() -> Message:
    """The message shortcut, on a message that names no job, or that somebody else wrote."""
    return compose(
        [
            paragraph(
                "This message is about no job.", "The shortcut works on the bot's own messages about one."
            )
        ]
    )


def unreadable_press(press: UnreadablePress) -> Message:
    """A button that can't be acted on, told to whoever pressed it."""
    why = {
        UnreadableReason.OLD: "This button was drawn by another version of the bot.",
        UnreadableReason.BROKEN: "This button can't be read any more.",
        UnreadableReason.FOREIGN: "This button is not the bot's.",
    }[press.why]
    return compose([paragraph(f"{why} Nothing was done. Ask again, and use the new button.")])
