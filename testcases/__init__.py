"""What a lab runs: a folder for each behaviour; every test names the requirements it proves."""
