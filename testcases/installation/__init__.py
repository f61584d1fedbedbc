"""Test cases: installation."""
