"""How options are declared and described, and how YAML is checked against them. Knows no GAN and no Paddle."""
