"""The far ends of telephony, played: a stand-in for each carrier, and people on simulated phones.

Tests, the demo and the load tests put the same people (`phones.Person`) on any of them: each is a `carrier.Carrier`.
"""
