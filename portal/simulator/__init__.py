"""What the token endpoint would answer, and what a draft would have answered: the values of the pages."""
