"""Profile packages: TCA eUICC Profile Package, Interoperable Format (ASN.1 module 3.3.1)."""
