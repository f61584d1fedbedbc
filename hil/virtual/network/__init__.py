"""A virtual mobile network: an SMS centre (SMPP 3.4) and the air between it and devices.

Latency, loss, duplication, reordering and coverage are modelled, not measured.
"""
