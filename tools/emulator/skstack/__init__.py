"""Dongles that speak SKSTACK IP."""
