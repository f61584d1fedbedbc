"""A virtual programmable supply: strict SCPI over TCP, outputs in closed form, copper behind."""
