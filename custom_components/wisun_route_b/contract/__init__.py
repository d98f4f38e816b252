"""The contract with the supplier: how much may be drawn at once."""
