"""Test cases: network."""
