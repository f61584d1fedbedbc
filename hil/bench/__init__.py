"""The bench: lab-config, capabilities, launcher of virtual parts, discovery, doctor, safe state.

Only :mod:`hil.bench.launcher` knows whether a part is real or virtual.
"""
