"""What every page has, whatever it is about: who may open it, its parts, its refusals; and pages of no one subject."""
