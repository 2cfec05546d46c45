"""A report as pages: the dashboard, one page for each theme, the rows behind a number, snapshots and their differences."""
