"""Test cases: modes."""
