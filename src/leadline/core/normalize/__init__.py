"""Mapping file -> typed mapping -> canonical rows. The grammar is in `mappings/README.md`."""
