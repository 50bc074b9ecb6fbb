"""Base of the local vendor servers: clock, faults, request log, control surface, world."""
