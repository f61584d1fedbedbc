"""The stand-ins: each a process of its own, reached over the transport of the real thing."""
