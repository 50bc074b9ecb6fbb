"""Use cases: what a command does, built from the core, the store and the connections."""
