"""People with logins: who may do what, logging in, managing accounts."""
