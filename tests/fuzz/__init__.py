"""Every parser that faces bytes from outside, under bytes that nobody would send.

``pytest tests/fuzz`` runs the corpus and seeded mutations of it; ``python -m tests.fuzz NAME
--seconds N`` goes on for as long as wished, coverage-guided where atheris is installed.
"""
