"""Test cases: management."""
