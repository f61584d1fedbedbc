"""Test cases: transfer."""
