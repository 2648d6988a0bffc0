"""Clocks that differ, as rules of the state machine: ours, of the database and the servers, and Stripe's.

Ours are hours ahead or behind from the start, or jump: a machine is set right, or a standby with another clock is
promoted. What is due, leased, expired or too old by our clock is so earlier or later than it should be.
"""

from datetime import timedelta

import hypothesis.strategies as st
from hypothesis.stateful import rule

from tests.proof.machine import Machine

SKEWS = st.sampled_from([0, 0, 0, -120, -2, 2, 120])  # minutes that our clocks are ahead from the start
JUMPS = st.sampled_from([-180, -20, -2, 2, 20, 180])  # minutes
FURTHEST = timedelta(hours=6)  # from Stripe's clock: nobody's clock goes wrong for ever


class ClockJumps(Machine):
    @rule(minutes=JUMPS)
    def our_clocks_jump(self, minutes: int) -> None:
        jump = timedelta(minutes=minutes)
        if abs(self.skew + jump) <= FURTHEST:
            self.count(f"jumps of our clocks {'forward' if minutes > 0 else 'back'}")
            self.jump(jump)
