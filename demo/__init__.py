"""A demo observatory: invented people and papers around projects with real code forms, and services that replay them."""
