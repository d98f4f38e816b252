"""The stack at the shell: what ``scripts/meter`` runs. Uses the stack's public names only."""
