"""What gin/protocols and gin/presets say of a run: whether it follows, what it takes."""
