"""Loading side of models: teachers, tokenizers and students from scratch, on torch."""
