"""The conformance set for SM-SR and SM-DP: the functions of ES1, ES2, ES3, ES4 and ES7."""
