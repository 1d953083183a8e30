"""What an answer says, and which of its sentences deny what could not be read for it."""

import json
import re
from collections.abc import Mapping

from bot.operations.outcomes import Detailed, Done, NeedsForm, Outcome
from bot.operations.queries.home import HomeAnswer
from bot.operations.queries.report import ReportAnswer
from bot.slack.views.forms import form as form_view
from bot.slack.views.outcomes import outcome as drawn
from bot.veeam import Detail

_HEDGED = re.compile(
    "could not be read|couldn't be read|unknown|isn't known|nothing is known|could be read"
    "|on the servers that responded|missing here|isn't responding"
)
_OF_JOBS = r"\bno jobs?\b(?! manages)|all is well|nothing is running|not planned|none new"
_DENIALS: Mapping[Detail, str] = {
    Detail.JOB_STATES: _OF_JOBS,
    Detail.JOB_SETTINGS: r"no job holds|not planned",
    Detail.OTHER_JOBS: r"\bno job\b",
    Detail.SESSIONS: (
        r"\bno (run|session|good)\b|\b0 runs|nothing is running|is over yet|\bnew\b|lists no"
        r"|was stopped"
    ),
    Detail.RUNNING_SESSIONS: r"nothing is running|no jobs match",
    Detail.LAST_SUCCESS: r"none in|no jobs match|no good",
    Detail.FAILURE_REASON: r"no reason|doesn't say|not a cause",
    Detail.LOG: r"no reason|doesn't say|not a cause",
    Detail.OBJECTS: r"no objects|no reason|doesn't name|not a cause",
    Detail.RESTORE_POINTS: r"none that|no job holds",
    Detail.REPOSITORIES: r"no jobs match|no repository|all is well",
    Detail.SCALE_OUT_REPOSITORIES: r"no jobs match|no repository",
    Detail.VSPHERE_MACHINES: r"no machine",
    Detail.OTHER_MACHINES: r"no machine",
    Detail.COMPUTERS: r"no machine",
}
_SILENT = rf"{_OF_JOBS}|\bno (machine|session|run|failure)\b|never|nothing was found"
"""What a server that gave no answer may have had."""


def said(outcome: Outcome) -> str:
    """All that the person reads."""
    if isinstance(outcome, NeedsForm):
        view = form_view(outcome.form, channel_id="C0PROD", thread_ts=None, missing=outcome.missing)
        return json.dumps(view)
    message = drawn(outcome, "r-1").message
    assert message.text.count("could not be read") == json.dumps(message.blocks).count("could not be read")
    return message.text


def denied(outcome: Outcome, words: str) -> list[str]:
    """The sentences of these that deny what could not be read, without saying so."""
    missing = outcome.missing if isinstance(outcome, Detailed) else ()
    patterns = [_DENIALS[each.what] for each in missing if each.what in _DENIALS]
    if _has_silent(outcome):
        patterns.append(_SILENT)
    return [
        sentence
        for sentence in re.split(r'\n|"|(?<=\.) | · ', words)
        if not _HEDGED.search(sentence)
        and any(re.search(pattern, sentence, re.IGNORECASE) for pattern in patterns)
    ]


def _has_silent(outcome: Outcome) -> bool:
    """Whether a server gave no answer."""
    match outcome:
        case Done(HomeAnswer(status=status)):
            return status is not None and bool(status.silent)
        case Done(ReportAnswer(report=report)):
            return bool(report.silent)
        case Done(answer):
            return bool(getattr(answer, "silent", ()))
        case _:
            return bool(getattr(outcome, "silent", ()))
