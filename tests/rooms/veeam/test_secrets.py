"""No password and no token leaves the client but to its server."""

import json
import traceback

import pytest
import structlog
from pydantic import SecretStr

from bot.sandbox.vbr import Account, Fault, Moment, Role, VbrSandbox
from bot.sandbox.vbr.faults import changed, dropped, malformed, refusing, setting
from bot.veeam import VeeamError
from tests.rooms.veeam.clients import SESSIONS, TOKEN, client_of, connection_to
from tests.support.clock import FakeClock

PASSWORD = "correct-horse-battery"
ACCOUNT = Account("svc-secret", PASSWORD, frozenset({Role.VIEWER}))


@pytest.mark.parametrize(
    "trouble",
    [
        (TOKEN, refusing(401)),
        (TOKEN, malformed()),
        (TOKEN, dropped(Moment.AFTER)),
        (TOKEN, changed(setting("expires_in", "never"))),
        (SESSIONS, refusing(500)),
        (SESSIONS, malformed()),
        (SESSIONS, dropped(Moment.AFTER)),
    ],
)
async def test_neither_logs_nor_errors_hold_a_secret(
    vbr: VbrSandbox, clock: FakeClock, trouble: tuple[tuple[str, str], Fault]
) -> None:
    """At debug level, and in the traceback with all its causes."""
    vbr.accounts.add(ACCOUNT)
    operation, fault = trouble
    vbr.faults.add(*operation, fault)
    with structlog.testing.capture_logs() as logs:
        async with client_of(vbr, clock, ACCOUNT) as client:
            with pytest.raises(VeeamError) as caught:
                await client.sessions()
    told = json.dumps(logs, default=str) + "".join(traceback.format_exception(caught.value))
    told += repr(caught.value) + repr(vars(caught.value))
    handed_out = [
        request.answer[key]
        for request in vbr.requests.of(*TOKEN)
        if request.answer is not None and request.status == 200
        for key in ("access_token", "refresh_token")
    ]
    assert [secret for secret in (PASSWORD, *handed_out) if secret in told] == []


def test_a_connection_can_be_printed(vbr: VbrSandbox) -> None:
    """Its password is masked."""
    assert PASSWORD not in repr(connection_to(vbr, password=SecretStr(PASSWORD)))
