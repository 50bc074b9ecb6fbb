"""Leadline: a sync worker that scores CRM records and makes the CRM act on the score."""

__version__ = "0.1.0"
