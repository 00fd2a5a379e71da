"""From query parts and gallery views to similarities, and from scores to ranks."""
