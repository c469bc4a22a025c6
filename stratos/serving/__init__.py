"""From an artifact to a Bento to a living endpoint."""
