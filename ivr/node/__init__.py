"""Platforms that keep their media and only ask: who is this, where to, what now. Flat answers, in time and whole."""
