"""Remote management by SCP80: scripts, security and access to the files of a profile."""
