"""Test cases: ordering."""
