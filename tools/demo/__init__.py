"""The demo: a real Home Assistant, set up as a user would, with the emulated dongle.

It uses Home Assistant from outside only: files of a configuration folder, HTTP and WebSocket.
"""
