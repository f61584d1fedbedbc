"""The provisioning support server (patent FIG. 3): packets in, images out to proven devices."""
