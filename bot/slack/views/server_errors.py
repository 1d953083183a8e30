"""What a server's failure means to a person: in brief for lists, and in full when it is the answer."""

import re
from dataclasses import dataclass

from bot import veeam
from bot.slack.text import code, date, duration, literal
from bot.veeam import TlsReason, VeeamError

_BRIEF: dict[type[VeeamError], str] = {
    veeam.ConnectFailed: "it can't be reached",
    veeam.ConnectionLost: "the connection broke",
    veeam.TimedOut: "it took too long",
    veeam.Unreachable: "it can't be reached",
    veeam.TlsFailed: "its certificate is not trusted",
    veeam.LoginRefused: "it refuses the bot's account",
    veeam.NotAllowed: "the bot's account there isn't allowed to do this",
    veeam.NotFoundOnServer: "it doesn't have this any more",
    veeam.NoCommonRevision: "its VBR is too old",
    veeam.RevisionUnsupported: "it doesn't speak this revision of the API",
    veeam.Rejected: "it refused the request",
    veeam.TooBusy: "it is too busy",
    veeam.ServerFailed: "it failed on its side",
    veeam.UnexpectedAnswer: "its answer could not be understood",
    veeam.AnswerLost: "its answer got lost",
}
_ANSWERED = (veeam.RevisionUnsupported, veeam.LoginRefused, veeam.TlsFailed)
"""A server that says this does respond, and yet tells the bot nothing."""
_BRIEF_BY_NAME = {kind.__name__: phrase for kind, phrase in _BRIEF.items()}
_OTHERWISE = "it did not answer as it should"

_CERTIFICATE = {
    TlsReason.PIN: "Its certificate isn't the one pinned in the settings.",
    TlsReason.AUTHORITY: "Its certificate isn't signed by an authority the bot trusts.",
    TlsReason.NAME: "Its certificate is for another name.",
    TlsReason.EXPIRED: "Its certificate is not valid today.",
    TlsReason.HANDSHAKE: "The encrypted connection could not be set up.",
    TlsReason.CA_FILE: "The CA file in the settings can't be read.",
}


_UNCHANGED = "Nothing was changed."
_TRY_AGAIN = "Try again in a minute."
_EXPLAINED: dict[type[VeeamError], tuple[str, str]] = {
    veeam.TimedOut: ("{server} took too long to answer.", _TRY_AGAIN),
    veeam.Unreachable: (
        "{server} can't be reached.",
        "Check that the backup server and its REST service are running, then try again.",
    ),
    veeam.ServerFailed: (
        "{server} failed on its side.",
        f"{_TRY_AGAIN} If it keeps happening, look at the backup server's own log.",
    ),
    veeam.UnexpectedAnswer: (
        "{server} answered in a way that VBR's documentation doesn't describe.",
        "Check that the address in the settings is VBR's own, not a proxy's.",
    ),
    veeam.NotAllowed: (
        "The bot's account on {server} isn't allowed to do this.",
        "A backup administrator can give that account a higher role in VBR.",
    ),
    veeam.NoCommonRevision: (
        "{server} is too old: it speaks no revision of its API that the bot speaks.",
        "A backup administrator should upgrade it to VBR 12.3.1 or newer.",
    ),
    veeam.RevisionUnsupported: (
        "{server} doesn't speak the revision of its API that it was asked in.",
        "The bot's administrator should set `api_version` to `auto`, or to a revision the server knows.",
    ),
    veeam.Rejected: ("{server} refused the request.", ""),
    VeeamError: ("{server} did not answer as it should.", _TRY_AGAIN),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in three sentences: what happened, whether anything was changed, what to do now."""

    happened: str
    means: str
    advice: str


def in_brief(error: VeeamError) -> str:
    """Why a server gave no answer, as the end of a sentence."""
    brief = next((_BRIEF[kind] for kind in type(error).__mro__ if kind in _BRIEF), _OTHERWISE)
    return f"{brief} ({code(error.asked)})" if error.asked and _is_about_request(error) else brief


def _is_about_request(error: VeeamError) -> bool:
    """Whether it says something of what was asked for, and not of the server as a whole."""
    if isinstance(error, veeam.TimedOut):
        return True
    return error.reached_server and not isinstance(error, veeam.LoginRefused | veeam.TooBusy)


def did_respond(error: VeeamError) -> bool:
    """Whether a server that gave no answer refused to, rather than being silent."""
    return isinstance(error, _ANSWERED)


def in_brief_by_name(class_name: str) -> str:
    """The same for an error that was kept by the name of its class."""
    return _BRIEF_BY_NAME.get(class_name, _OTHERWISE)


def is_four_eyes(error: VeeamError) -> bool:
    """Whether VBR refused because its own four-eyes authorization is on; it says so in words alone."""
    is_refusal = isinstance(error, veeam.Rejected | veeam.NotAllowed)
    return is_refusal and re.search(r"four[- ]eyes", error.message, re.IGNORECASE) is not None


def explain(error: VeeamError) -> Explanation:
    """What happened, what it means and what to do, for each class of error."""
    server = literal(error.server)
    message = f"\n{code(error.message)}" if error.message else ""
    match error:
        case veeam.TlsFailed():
            shown = f" It shows SHA-256 {code(error.presented)}." if error.presented else ""
            return Explanation(
                f"{server}'s identity couldn't be verified. {_CERTIFICATE[error.reason]}{shown}",
                "Nothing was sent to it, not even the login.",
                "The bot's administrator should compare the certificate with the settings.",
            )
        case veeam.LoginRefused():
            until = f" It is locked until {date(error.locked_until)}." if error.locked_until else ""
            return Explanation(
                f"{server} refuses the bot's account.{until}{message}",
                f"{_UNCHANGED} The bot waits before it logs in again, so as not to lock the account.",
                "A backup administrator should check the account: its password, a lock-out, MFA.",
            )
        case veeam.Interrupted():
            return Explanation(
                f"The bot was interrupted before it heard from {server}.",
                "It may or may not have been done. It is not sent again.",
                "Look at the job before you press again.",
            )
        case veeam.AnswerLost():
            return Explanation(
                f"{server} got the request, and its answer got lost.{message}",
                "It may or may not have been done. It is not sent again.",
                "Look at the job before you press again.",
            )
        case veeam.TooBusy():
            seconds = error.retry_after_seconds
            soon = f"in {duration(seconds)}" if seconds and seconds >= 1 else "in a minute"
            return Explanation(f"{server} is too busy.{message}", _UNCHANGED, f"Try again {soon}.")
        case veeam.NotFoundOnServer():
            return Explanation(
                f"{server} doesn't have this any more.{message}",
                f"{_UNCHANGED} It was deleted, or it is older than the history that VBR keeps.",
                "List the jobs again to see what is there.",
            )
    happened, advice = next(_EXPLAINED[kind] for kind in type(error).__mro__ if kind in _EXPLAINED)
    if isinstance(error, veeam.Unreachable) and error.port is not None:
        advice += f" The bot asks port {error.port}: VBR listens on 9419, from 13.1 on also on 443."
    asked = f" It was asked for {code(error.asked)}." if error.asked and error.asked not in message else ""
    return Explanation(f"{happened.format(server=server)}{asked}{message}", _UNCHANGED, advice)
