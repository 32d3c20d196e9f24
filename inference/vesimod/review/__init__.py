"""What a person changed, and carrying it over to a new prediction."""
