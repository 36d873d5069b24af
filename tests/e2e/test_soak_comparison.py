"""The soak's comparison finds what it is to find: a trail with one defect of each kind, beside one that has none."""

import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))

from comparison import compare, compare_commits  # noqa: E402

NOTED = [(1, "public", "t", "CREATE", "1", "1", "b", "a1", "{}"), (1, "public", "t", "CREATE", "2", "2", "b", "a2", "{}"),
         (2, "public", "t", "UPDATE", "1", "1", "a1", "a3", "{}"), (2, "public", "t", "UPDATE", "1", "1", "a3", "a1", "{}"),
         (3, "public", "u", "CREATE", "", "", "b", "same", "{}"), (3, "public", "u", "CREATE", "", "", "b", "same", "{}")]  # fmt: skip


def figures(recorded):
    verdict = compare(NOTED, recorded)
    assert verdict.changes == len(NOTED)
    return verdict.lost, verdict.doubled, verdict.bent


def test_each_defect_is_told_from_the_others():
    assert figures(list(NOTED)) == (0, 0, 0)
    assert figures(NOTED[1:]) == (1, 0, 0)
    assert figures([*NOTED, NOTED[0]]) == (0, 1, 0)
    assert figures([(*NOTED[0][:-1], '{"other": 1}'), *NOTED[1:]]) == (0, 0, 1)
    assert figures([*NOTED, (4, *NOTED[0][1:])]) == (0, 0, 1)  # nothing like it was noted
    assert figures([*NOTED[:2], NOTED[3], NOTED[2], *NOTED[4:]])[2] > 0  # the row's changes in another order
    assert figures(NOTED[:-1]) == (1, 0, 0)  # one of two that are equal


def test_order_and_times_of_commits():
    second = datetime.datetime(2000, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)
    times = {5: 1_000_000, 3: 1_500_000, 4: 1_999_999}
    told = dict.fromkeys(times, second)
    assert compare_commits(times, told, [[], [5], [3, 5], [3, 4, 5]]).is_clean()
    assert compare_commits(times, told, [[5, 4]]).bent == 1
    assert compare_commits(times, {**told, 4: second + datetime.timedelta(seconds=1)}, []).bent == 1
    assert compare_commits(times, {**told, 9: second}, []).bent == 1
