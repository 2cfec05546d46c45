"""All letters, whoever wrote them: what waits, left, or may have left, and what came back."""

COMMANDS = {"mail": "biblio.letters.commands:mail_group"}
