"""From facts to points: the model, two evaluators that agree, and when a score changes by age alone."""
