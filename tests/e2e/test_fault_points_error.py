"""Apply has an error at each of its durable steps in turn, as when a connection breaks there. What it does next, or the next start, brings the trail to
what was committed, each change once."""

import pytest

from faulty import PASSINGS, faulty  # noqa: F401


@pytest.mark.parametrize("point, passing", PASSINGS)
def test_apply_has_an_error_there(faulty, point, passing):  # noqa: F811
    faulty.assert_survives(f"{point}:error:{passing}")
