"""Test cases: test mode."""
