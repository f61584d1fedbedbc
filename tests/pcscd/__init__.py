"""Tests of the private PC/SC service."""
