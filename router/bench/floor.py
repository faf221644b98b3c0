"""The floor: the least a queue in this server could do, and the unit of every figure here.

One script puts a call into a set of a thousand, takes the first one out and writes a stream entry.
"""

from __future__ import annotations

import hashlib
from itertools import count

from router.bench.ids import call_ids
from router.bench.pipe import Pipe

SET_SIZE = 1_000
BODY = """\
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZPOPMIN', KEYS[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100000, '*',
  'a', ARGV[3], 'b', ARGV[4], 'c', ARGV[5], 'd', ARGV[6], 'e', ARGV[7])
"""
FIELDS = ("enqueued", "desk-001", "agt-0001", "1a2b3c4d", "standard")


class Floor:
    """Makes the floor's commands. The set keeps its size: every call put in is later than the one taken out."""

    def __init__(self, root: str = "{floor}") -> None:
        self._set, self._stream = f"{root}:z", f"{root}:x"
        self._sha = hashlib.sha1(BODY.encode(), usedforsecurity=False).hexdigest()
        self._ids = call_ids("floor")
        self._scores = (str(score) for score in count(1_700_000_000_000_000, 1_000))

    def prepare(self, pipe: Pipe) -> None:
        """Loads the script and fills the set."""
        pipe.run([["SCRIPT", "LOAD", BODY]])
        pipe.run([["ZADD", self._set, next(self._scores), next(self._ids)] for _ in range(SET_SIZE)])

    def commands(self, count: int) -> list[list[str]]:
        return [
            ["EVALSHA", self._sha, "2", self._set, self._stream, next(self._scores), next(self._ids), *FIELDS]
            for _ in range(count)
        ]
