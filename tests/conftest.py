"""What holds for all tests."""

from hypothesis import settings

# A busy machine is no fault of an example's: pytest's time-out bounds each test.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
