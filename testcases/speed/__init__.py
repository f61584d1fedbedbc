"""Test cases: speed."""
