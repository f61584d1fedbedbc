"""The languages on the wire, as pure functions on bytes: no I/O, no clock, no state."""
