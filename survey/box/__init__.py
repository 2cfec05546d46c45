"""The sealed ballot box: keys, ballots, how it is opened, and what is erased in the end."""
