"""The film: from a payload and its files to a timeline, frames, sound, an encoded video and its proof."""
