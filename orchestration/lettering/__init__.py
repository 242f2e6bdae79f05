"""Text as shapes, for every domain that draws it: characters, directions, fonts, glyphs, outlines, paragraphs."""
