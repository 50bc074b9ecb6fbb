"""Where scoring runs: engines for the frames of `core/scoring`."""
