"""Tests of the languages on the wire."""
