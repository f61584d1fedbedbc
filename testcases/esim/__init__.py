"""Test cases: esim."""
