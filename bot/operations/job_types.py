"""What a typed word means among the job types a server knows (EJobType).

A filter takes one value, spelt as the server's revision prints it; one that it does not know is refused. So a
word is only ever sent after it was found here.
"""

from bot.operations.matching import fold, pick
from bot.veeam import Revision, job_type_key


def meant_types(word: str, revision: Revision) -> tuple[str, ...]:
    """Return the types that the word means, in the revision's spelling: one, several, or none.

    A type that another revision calls otherwise is found by either name.
    """
    same = tuple(kind for kind in revision.job_types if job_type_key(kind) == job_type_key(fold(word)))
    return same or pick(word, revision.job_types, lambda name: name)
