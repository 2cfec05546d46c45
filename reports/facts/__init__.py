"""What a report counts: plain facts as they were known on a day, and the words that every number rests on."""
