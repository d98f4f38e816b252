"""Serial ports of Home Assistant: which there are, who has them, where each dongle is."""
