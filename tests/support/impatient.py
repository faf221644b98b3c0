"""`vipline serve` whose leases last a second: whatever sleeps longer than that has been replaced when it wakes.

Run as a program. The parts read their lengths when they are loaded, so the lengths come first.
"""

from __future__ import annotations

from router.telephony import claims, leader

leader.LEASE_MS = 1_000
claims.CLAIM_MS = 2_000

from router.events import estimating, stream  # noqa: E402

estimating.LEASE_MS = 1_000
stream.STALE_MS = 1_000
stream.CLAIM_EVERY_S = 0.5

from router.metrics import projector  # noqa: E402

projector.LEASE_MS = 1_000

from router.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
