"""The Wi-SUN dongle: its port, its protocol, and the seam towards the link."""
