"""The demo: a real Home Assistant, set up the way a person would, with the emulated dongle.

It knows Home Assistant from outside only: files of a configuration folder, HTTP and WebSocket.
"""
