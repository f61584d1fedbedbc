"""The SM-DP's functions with the card at hand through an SM-SR: ES2, ES3 and ES8 of SGP.02."""
