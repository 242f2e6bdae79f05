"""The fuzz targets, a module for each domain."""
