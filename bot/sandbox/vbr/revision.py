"""A revision of VBR's REST API, as a value: what it calls itself, what it spells how, what it answers.

Only 1.3-rev0 is played now. What differs between revisions is asked here, so that another
one is another value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.sandbox.vbr.roles import ROLES_1_3_REV0, Role


@dataclass(frozen=True)
class Revision:
    """One ``x-api-version``: the roles of each operation and the answers that changed between revisions."""

    name: str
    roles: Mapping[tuple[str, str], frozenset[Role]]
    capitalises_words: bool = False
    toggled_status: int = 200

    def word(self, value: str) -> str:
        """Spell a job's status or workload as this revision does (``running`` or ``Running``)."""
        return value[:1].upper() + value[1:] if self.capitalises_words else value


REVISION_1_3_REV0 = Revision(name="1.3-rev0", roles=ROLES_1_3_REV0)

#: The revisions that the sandbox can play, by the value of ``x-api-version``.
REVISIONS: Mapping[str, Revision] = MappingProxyType({REVISION_1_3_REV0.name: REVISION_1_3_REV0})
