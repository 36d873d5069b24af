"""Compares what was committed with what is in the trail, by hashes that both servers make of what a change says, and by order.

    lost     noted at the source, and not in the trail
    doubled  in the trail more often than noted
    bent     in the trail and not noted so: another value, another order, another time of its commit, or nothing like it was noted
"""

import collections
import dataclasses
import datetime

from wired import POSTGRES_EPOCH

SHOWN_MAX = 10

NOTED = """
SELECT transaction_id, schema, "table", operation, coalesce(primary_key, ''), coalesce(after->>'id', before->>'id', ''),
       md5(before::text), md5(after::text), context::text
FROM audit.notes ORDER BY number"""
# Who acted is waltrail's own to say; what was said of the change is the workload's.
RECORDED = """
SELECT transaction_id, schema, "table", operation, coalesce(primary_key, ''), coalesce(after->>'id', before->>'id', ''),
       md5(before::text), md5(after::text), (context - '_waltrail')::text
FROM public.changes ORDER BY position"""
PLACE = 6  # so many fields say which change of which row it is, the rest what it says


@dataclasses.dataclass
class Verdict:
    changes: int = 0
    lost: int = 0
    doubled: int = 0
    bent: int = 0
    findings: list = dataclasses.field(default_factory=list)

    def add(self, other):
        for name in ("changes", "lost", "doubled", "bent"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.findings += other.findings

    def is_clean(self):
        return self.lost == self.doubled == self.bent == 0

    def note(self, kind, count, what):
        setattr(self, kind, getattr(self, kind) + count)
        if len(self.findings) < SHOWN_MAX:
            self.findings.append(f"{kind}: {count} x {what}")


def compare(noted, recorded):
    verdict = Verdict(changes=len(noted))
    expected, seen = collections.Counter(noted), collections.Counter(recorded)
    missing, extra = expected - seen, seen - expected
    _pair_bent(missing, extra, verdict)
    for change, count in missing.items():
        verdict.note("lost", count, change)
    for change, count in extra.items():
        verdict.note("doubled" if change in expected else "bent", count, change)
    if verdict.is_clean():
        _compare_order(noted, recorded, verdict)
    return verdict


def _pair_bent(missing, extra, verdict):
    """A change that is there and says something else is bent, and not lost."""
    by_place = collections.defaultdict(list)
    for change in missing:
        by_place[change[:PLACE]].append(change)
    for change in list(extra):
        for other in by_place.get(change[:PLACE], ()):
            count = min(missing[other], extra[change])
            if count > 0:
                missing[other] -= count
                extra[change] -= count
                verdict.note("bent", count, f"{other} became {change}")
    for counter in (missing, extra):
        counter += collections.Counter()  # without those that are 0


def _compare_order(noted, recorded, verdict):
    """Of the changes of one row: locks at the source have put them into one order, that of the notes."""
    orders = []
    for rows in (noted, recorded):
        of_row = collections.defaultdict(list)
        for change in rows:
            if change[5]:
                of_row[change[1], change[2], change[5]].append(change)
        orders.append(of_row)
    for row, changes in orders[0].items():
        if changes != orders[1][row]:
            verdict.note("bent", len(changes), f"order of {row}: {changes} became {orders[1][row]}")


def compare_commits(times, committed_at, looks):
    """`times`: {transaction: microseconds} in the order of the commits, `committed_at`: {transaction: as the trail says}; `looks`: what the trail held at
    moments of its growth."""
    verdict = Verdict()
    for transaction, recorded in committed_at.items():
        time = times.get(transaction)
        expected = time is not None and (POSTGRES_EPOCH + datetime.timedelta(microseconds=time)).replace(microsecond=0)
        if recorded != expected:
            verdict.note("bent", 1, f"transaction {transaction} was committed at {expected}, not {recorded}")
    order = list(times)
    for seen in looks:
        if set(seen) != set(order[: len(seen)]):
            verdict.note("bent", 1, f"a trail of {len(seen)} transactions lacked {sorted(set(order[: len(seen)]) - set(seen))[:5]}")
    return verdict
