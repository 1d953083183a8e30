"""What a person has under way is counted by the person, and forgotten when it is over."""

from contextlib import ExitStack

from structlog.testing import capture_logs

from bot.operations.under_way import UnderWay
from bot.settings import PersonId

VIC, ANN = PersonId("U0VIC"), PersonId("U0ANN")


def test_a_few_of_each_person() -> None:
    """Beyond it nothing may be begun; others are not concerned, and an end makes room."""
    under_way = UnderWay("questions", at_most=2)
    with under_way.begin(VIC) as first, ExitStack() as second:
        assert first
        assert second.enter_context(under_way.begin(VIC))
        with under_way.begin(VIC) as third, under_way.begin(ANN) as hers:
            assert (third, hers) == (False, True)
        second.close()
        with under_way.begin(VIC) as again:
            assert again
    assert not under_way._counts


def test_logged_once_until_all_is_over() -> None:
    """A flood is one line."""
    under_way = UnderWay("questions", at_most=1)
    with capture_logs() as lines:
        for _ in range(2):
            with under_way.begin(VIC):
                for _ in range(300):
                    with under_way.begin(VIC) as may_begin:
                        assert not may_begin
    assert [(line["event"], line["person"]) for line in lines] == [("operations.too_many", VIC)] * 2
    assert not under_way._logged
