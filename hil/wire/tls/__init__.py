"""TLS 1.2 with pre-shared keys, both ends, as bytes in and bytes out (RFC 5246, 4279, 5487, 7366).

Two cipher suites, no resumption, no renegotiation, no compression: what SGP.02 wants for SCP81.
"""
