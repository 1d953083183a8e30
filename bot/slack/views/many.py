"""The result of one press about many jobs: how many succeeded, and the names of the others."""

from collections.abc import Iterable, Mapping, Sequence

from bot.operations import outcomes
from bot.operations.actions.group import AcknowledgeGroup, MuteGroup, RetryGroup
from bot.operations.actions.many import ActedOnMany
from bot.operations.actions.on_storms import AcknowledgeAll, MuteAll, MuteUnmet, RetryAll
from bot.operations.model import Operation
from bot.slack.text import count, mention
from bot.slack.views import status_text
from bot.slack.views.message import Message, compose, paragraph

_JOBS_NAMED = 8
_OUTSIDE = "outside their permissions"
_WHY_NOT: Mapping[type[outcomes.Outcome], str] = {
    outcomes.ApprovalRequested: "waiting for approval",
    outcomes.AlreadyRequested: "waiting for approval",
    outcomes.Refused: _OUTSIDE,
    outcomes.NotFound: "no longer in VBR",
    outcomes.StaleButton: "left alone after a newer run",
    outcomes.NotPossible: "already running, or can't be retried on their server",
    outcomes.Unclear: "unclear, because VBR's answer was lost: check these jobs",
    outcomes.Failed: "refused by VBR, or not answered",
}
_OTHERWISE = "left alone because of a problem in the bot: try again"
_NOT_OWNED: Mapping[type[outcomes.Outcome], str] = {
    **_WHY_NOT,
    outcomes.NotPossible: "left alone: no failed run to acknowledge, or acknowledged already",
    outcomes.Failed: "left alone: no longer failing, or their server didn't respond",
}
_NONE_LEFT = {MuteUnmet.operation.name: "by now all of these jobs are as expected, or no longer judged."}
_DONE = {
    RetryAll.operation.name: "retried",
    RetryGroup.operation.name: "retried",
    AcknowledgeAll.operation.name: "acknowledged",
    AcknowledgeGroup.operation.name: "acknowledged",
    MuteAll.operation.name: "muted",
    MuteUnmet.operation.name: "muted",
    MuteGroup.operation.name: "muted",
}


def acted_on_many(answer: ActedOnMany) -> Message:
    """How many it was done to, and the others by what they were left alone for."""
    who = mention(answer.by)
    if answer.is_forgotten:
        words = f"{who}: which jobs these were is no longer kept. Nothing was done; see `jobs failed`."
        return compose([paragraph(f"{status_text.INFORMATION} {words}")])
    logs = [status_text.job_name(each.name, each.server) for each in answer.logs]
    left = f"{len(logs):,} left out, because only a log backup failed: {first_named(logs)}" if logs else ""
    if not answer.jobs:
        none = _NONE_LEFT.get(answer.operation.name, "none of these jobs is failing any more.")
        if logs:
            none = f"there is no job to retry here. {left}"
        return compose([paragraph(f"{status_text.INFORMATION} {who}: {none}")])
    grouped: dict[str, list[str]] = {}
    done = 0
    for job in answer.jobs:
        if isinstance(job.outcome, outcomes.Done):
            done += 1
        else:
            why = _why_not(job.outcome, answer.operation)
            grouped.setdefault(why, []).append(status_text.job_name(job.job_name, job.server))
    sign = status_text.SUCCESS if done == len(answer.jobs) else status_text.WARNING
    head = f"{sign} {who} {_DONE[answer.operation.name]} {done:,} of {count(len(answer.jobs), 'job')}."
    others = [
        f"{len(names):,} {why}" + ("" if why == _OUTSIDE else f": {first_named(names)}")
        for why, names in grouped.items()
    ]
    more = f"{count(answer.left_out, 'more job')} not tried yet." if answer.left_out else ""
    return compose([paragraph(head, *others, left, more)])


def _why_not(outcome: outcomes.Outcome, operation: Operation) -> str:
    reasons = _NOT_OWNED if _DONE[operation.name] == "acknowledged" else _WHY_NOT
    return reasons.get(type(outcome), _OTHERWISE)


def named_together(said: Iterable[tuple[str, str]]) -> list[str]:
    """A line for each thing that is said of several: what it is, and the first of their names."""
    names: dict[str, list[str]] = {}
    for what, name in said:
        names.setdefault(what, []).append(name)
    return [f"{what}: {first_named(every)}" for what, every in names.items()]


def first_named(names: Sequence[str], total: int | None = None) -> str:
    """The first of some names, and how many more there are: `total` counts those that are not among them."""
    shown = names[:_JOBS_NAMED]
    left_out = (len(names) if total is None else total) - len(shown)
    return f"{', '.join(shown)} and {left_out:,} more" if left_out > 0 else ", ".join(shown)
