"""Hubness: gallery pictures that turn up in too many rankings."""
