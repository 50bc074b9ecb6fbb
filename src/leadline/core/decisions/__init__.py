"""From a score to what should happen: outputs for the CRM, plays, routing, suppression. Pure."""
