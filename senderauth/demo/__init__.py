"""Zones that ship with the package, so that one can try it without a network."""
