"""A customer's design: from a file, a URL or a text to pixels, and whether it can be printed well."""
