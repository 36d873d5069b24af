"""Apply is killed with kill -9 at each of its durable steps in turn. The next start brings the trail to what was committed, each change once."""

import pytest

from faulty import PASSINGS, faulty  # noqa: F401


@pytest.mark.parametrize("point, passing", PASSINGS)
def test_apply_is_killed_there(faulty, point, passing):  # noqa: F811
    faulty.assert_survives(f"{point}:kill:{passing}")
