"""The garment turning: video, animated picture, and a sprite sheet with its viewer."""
