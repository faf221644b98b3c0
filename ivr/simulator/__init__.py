"""A telephone exchange in this process: it plays our scripts to phones that are plugged in, on any clock.

Demo, stories and deterministic tests use it; a plan with `telephony: {simulator: {}}` turns it on for a site. Whoever
owns the phones gives `Exchange.plug_in` the phone of each endpoint, and lets them call.
"""
