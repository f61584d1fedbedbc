"""The provisioning support server (patent FIG. 3): packets in, one image a profile out, to devices
that have been authenticated.
"""
