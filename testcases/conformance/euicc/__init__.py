"""Cases for any SGP.02 card whose key sets the lab holds."""
