"""Who is asked, when, and why not: the rule, its facts, and what people say about single projects."""
