"""The actors of the patent (FIG. 2): MNO, eUICC maker, SM-DP, support server, SM-SR, line station.

Plain classes over a store; :mod:`hil.provisioning.http` is a thin skin on top of them.
"""
