"""Test cases: test-profile installation mode."""
