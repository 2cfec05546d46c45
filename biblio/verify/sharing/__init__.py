"""Who does what: claims, libraries and their rules, escalations, blind second readings, and how well readers agree."""
