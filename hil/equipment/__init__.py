"""Hands on real things: power supply, card, device; each over one transport seam."""
