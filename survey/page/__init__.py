"""What a PI sees: the questionnaire behind a link, in five languages, and the promise."""
