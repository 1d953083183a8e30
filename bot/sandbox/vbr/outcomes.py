"""What a run comes to: as planned by a test, else drawn from the job's own rates."""

from collections.abc import Sequence
from random import Random

from bot.sandbox.vbr.state import Job, Outcome
from bot.sandbox.vbr.texts import failure_text, job_failure_text, warning_text


def chosen_outcome(rng: Random, job: Job, objects: Sequence[str]) -> Outcome:
    """Take the next planned outcome, or draw one by the job's failure and warning rates."""
    return job.plan.popleft() if job.plan else drawn_outcome(rng, job, objects)


def drawn_outcome(rng: Random, job: Job, objects: Sequence[str]) -> Outcome:
    """Draw an outcome; a failed one names some of the objects with a message as VBR words it."""
    draw = rng.random()
    if draw < job.failure_rate:
        return failed_outcome(rng, objects)
    if draw < job.failure_rate + job.warning_rate and objects:
        name = rng.choice(objects)
        return Outcome("Warning", objects={name: warning_text(rng, name)}, message="Warning")
    return Outcome(message="Success")


def failed_outcome(rng: Random, objects: Sequence[str]) -> Outcome:
    """Draw a failure: as a rule of one to three objects, now and then of the job as a whole."""
    if not objects or rng.random() < 0.1:
        text = job_failure_text(rng)
        return Outcome("Failed", message=text, log=(("Failed", text),))
    count = min(len(objects), rng.choice((1, 1, 1, 2, 3)))
    names = rng.sample(list(objects), count)
    warned = {}
    if count < len(objects) and rng.random() < 0.3:
        name = rng.choice([other for other in objects if other not in names])
        warned = {name: warning_text(rng, name)}
    return Outcome("Failed", {name: failure_text(rng, name) for name in names}, warned, message="Failed")
