"""Drawing products: outlines, light, paint, the sheet they meet on, and the designs themselves."""
