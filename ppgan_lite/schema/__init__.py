"""How options are declared, and how YAML is checked against them. No experiment is known here, and no Paddle."""
