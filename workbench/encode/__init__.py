"""Numbers for pictures and words: encoders, and the store that keeps what they gave."""
