"""What the pages say, held to what the project does."""
