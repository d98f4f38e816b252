"""ECHONET Lite requests over anything that sends datagrams."""
