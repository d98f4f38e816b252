"""Measures two integrations in a real Home Assistant each, from outside."""
