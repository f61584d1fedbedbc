"""Views of a run, made from its journal: whatever people and tools read after the tests.

A view can be made again at any time and is the same to the byte. It decides nothing.
"""
