"""Test cases: authentication."""
