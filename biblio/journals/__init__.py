"""Feature: the journals that the observatory monitors, what each yields, and suggestions of others."""
