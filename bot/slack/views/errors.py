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
    veeam.NotAllowed: "the bot's account there may not do this",
    veeam.NotFoundOnServer: "it doesn't have this any more",
    veeam.RevisionUnsupported: "it doesn't speak this revision of the API",
    veeam.Rejected: "it said no",
    veeam.TooBusy: "it is too busy",
    veeam.ServerFailed: "it failed on its side",
    veeam.UnexpectedAnswer: "its answer could not be understood",
    veeam.AnswerLost: "its answer got lost",
}
_BRIEF_BY_NAME = {error.kind: phrase for error, phrase in _BRIEF.items()}
_OTHERWISE = "it did not answer as it should"

_CERTIFICATE = {
    TlsReason.PIN: "It showed another certificate than the one pinned in the settings.",
    TlsReason.AUTHORITY: "Its certificate is signed by nobody the bot trusts.",
    TlsReason.NAME: "Its certificate is for another name.",
    TlsReason.EXPIRED: "Its certificate is not valid today.",
    TlsReason.HANDSHAKE: "The encrypted connection could not be set up.",
    TlsReason.CA_FILE: "The CA file in the settings can't be read.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A failure in three sentences: what happened, whether anything was changed, what to do now."""

    happened: str
    means: str
    advice: str


def in_brief(error: VeeamError) -> str:
    """Why a server gave no answer, as the end of a sentence."""
    return next((_BRIEF[kind] for kind in type(error).__mro__ if kind in _BRIEF), _OTHERWISE)


def in_brief_by_name(class_name: str) -> str:
    """The same for an error that was kept by the name of its class."""
    return _BRIEF_BY_NAME.get(class_name, _OTHERWISE)


def explain(error: VeeamError) -> Explanation:
    """What happened, what it means and what to do, for each class of error."""
    server = literal(error.server)
    match error:
        case veeam.TlsFailed():
            return _explain_tls(error, server)
        case veeam.LoginRefused():
            return _explain_login(error, server)
        case veeam.AnswerLost():
            return Explanation(
                f"{server} got the request, and its answer got lost.{_words(error)}",
                "It may or may not have been done. It is not sent again.",
                "Look at the job before you press again.",
            )
        case veeam.TooBusy():
            return Explanation(
                f"{server} is too busy.{_words(error)}", _UNCHANGED, f"Try again {_soon(error)}."
            )
        case veeam.Unreachable() | veeam.ServerFailed() | veeam.UnexpectedAnswer():
            return _explain_trouble(error, server)
        case _:
            return _explain_no(error, server)


_UNCHANGED = "Nothing was changed."


def _explain_tls(error: veeam.TlsFailed, server: str) -> Explanation:
    shown = f" It shows SHA-256 {code(error.presented)}." if error.presented else ""
    return Explanation(
        f"{server} could not be recognised. {_CERTIFICATE[error.reason]}{shown}",
        "Nothing was sent to it, not even the login.",
        "Whoever runs the bot should compare the certificate with the settings.",
    )


def _explain_login(error: veeam.LoginRefused, server: str) -> Explanation:
    until = f" It is locked until {date(error.locked_until)}." if error.locked_until else ""
    return Explanation(
        f"{server} refuses the bot's account.{until}{_words(error)}",
        f"{_UNCHANGED} The bot waits before it logs in again, so as not to lock the account.",
        "A backup administrator should check the account: its password, a lock-out, MFA.",
    )


def _explain_trouble(error: VeeamError, server: str) -> Explanation:
    match error:
        case veeam.TimedOut():
            return Explanation(
                f"{server} took too long to answer.{_words(error)}", _UNCHANGED, "Try again in a minute."
            )
        case veeam.Unreachable():
            return Explanation(
                f"{server} can't be reached.{_words(error)}",
                _UNCHANGED,
                "Check that the backup server and its REST service are running, then try again.",
            )
        case veeam.ServerFailed():
            return Explanation(
                f"{server} failed on its side.{_words(error)}",
                _UNCHANGED,
                "Try again in a minute. If it stays, look at the backup server's own log.",
            )
        case _:
            return Explanation(
                f"{server} answered in a way that VBR's documentation doesn't describe.{_words(error)}",
                _UNCHANGED,
                "Check that the address in the settings is VBR's own, not a proxy's.",
            )


def is_four_eyes(error: VeeamError) -> bool:
    """Whether VBR refused because its own four-eyes authorization is on; it says so in words alone."""
    is_refusal = isinstance(error, veeam.Rejected | veeam.NotAllowed)
    return is_refusal and re.search(r"four[- ]eyes", error.message, re.IGNORECASE) is not None


def _explain_no(error: VeeamError, server: str) -> Explanation:
    match error:
        case veeam.NotAllowed():
            return Explanation(
                f"The bot's account on {server} may not do this.{_words(error)}",
                _UNCHANGED,
                "A backup administrator can give that account a higher role in VBR.",
            )
        case veeam.NotFoundOnServer():
            return Explanation(
                f"{server} doesn't have this any more.{_words(error)}",
                f"{_UNCHANGED} It was deleted, or it is older than the history that VBR keeps.",
                "List the jobs again to see what is there.",
            )
        case veeam.RevisionUnsupported():
            return Explanation(
                f"{server} doesn't speak the revision of its API that the settings name.{_words(error)}",
                _UNCHANGED,
                "Whoever runs the bot should set `api_version` to one the server knows.",
            )
        case veeam.Rejected():
            return Explanation(
                f"{server} said no.{_words(error)}", _UNCHANGED, "Its own words above say why."
            )
        case _:
            return Explanation(
                f"{server} did not answer as it should.{_words(error)}", _UNCHANGED, "Try again in a minute."
            )


def _words(error: VeeamError) -> str:
    return f"\n{code(error.message)}" if error.message else ""


def _soon(error: VeeamError) -> str:
    seconds = error.retry_after_seconds
    return f"in {duration(seconds)}" if seconds and seconds >= 1 else "in a minute"
