"""A simulated VBR: a REST server with a world of jobs that start, run, fail and succeed.

``World`` is the server's state and takes its time from a clock; ``seeded_world`` fills one with jobs and a
history; ``VbrSandbox`` serves it, under the rules of the REST API's revisions 1.2-rev1 and 1.3-rev0 to rev2.
"""

from bot.sandbox.vbr.accounts import DEFAULT_ACCOUNTS, Account
from bot.sandbox.vbr.call import Quirks
from bot.sandbox.vbr.faults import Fault, Moment, VbrFaults
from bot.sandbox.vbr.life import Pace
from bot.sandbox.vbr.revision import REVISIONS, accepted_by
from bot.sandbox.vbr.roles import Role
from bot.sandbox.vbr.seed import CALM, LIVELY, Seeding, seeded_world
from bot.sandbox.vbr.server import Behaviour, VbrSandbox
from bot.sandbox.vbr.state import Job, Outcome, Session
from bot.sandbox.vbr.world import World

__all__ = [
    "CALM",
    "DEFAULT_ACCOUNTS",
    "LIVELY",
    "REVISIONS",
    "Account",
    "Behaviour",
    "Fault",
    "Job",
    "Moment",
    "Outcome",
    "Pace",
    "Quirks",
    "Role",
    "Seeding",
    "Session",
    "VbrFaults",
    "VbrSandbox",
    "World",
    "accepted_by",
    "seeded_world",
]  # fmt: skip
