"""How well and how fast intake tells who is who."""
