"""What waits for a person: kept in order as things change, read, counted, filtered and paged."""
