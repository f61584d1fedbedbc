"""Test cases: line."""
