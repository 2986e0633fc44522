"""What moves satisfaction: drivers, their importance and their performance."""
