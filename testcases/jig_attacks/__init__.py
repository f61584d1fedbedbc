"""What an attacker may try at the jig pin, and what a device must make of it."""
