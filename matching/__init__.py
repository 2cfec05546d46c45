"""Pure matching: texts and records in, mentions and candidates with evidence out."""
