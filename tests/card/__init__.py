"""Tests of the card layer."""
