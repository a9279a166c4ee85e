"""How people use the archive: commands, demo, and later the reading room."""
