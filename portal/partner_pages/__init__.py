"""What the pages of one partner are made of: forms, texts of mappings, the acts of a partner's life, addresses."""
