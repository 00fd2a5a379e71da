"""Slow, obvious twins of the package's fast functions: written to be read and believed."""
