"""Test cases: image file."""
