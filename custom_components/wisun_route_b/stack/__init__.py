"""A native asyncio stack for Japanese smart meters on the B route."""
