"""Pages and figures for people: self-contained HTML and PNG, in one style."""
