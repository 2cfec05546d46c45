"""The admin's pages: jobs, mail queue, audit log, and the health of the house."""
