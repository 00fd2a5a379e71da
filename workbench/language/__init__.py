"""Words for pictures: captions, edited captions, and records that replay them without the models."""
