"""The conformance set: functions of the standards, each normal, with each error, in each state."""
