"""Test cases: layouts."""
