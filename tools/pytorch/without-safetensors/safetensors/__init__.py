"""Stands in for the package safetensors where it is not installed, for what docs/weights.md's script uses of it."""
