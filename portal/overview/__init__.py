"""What the overview shows: figures, their pictures, and the latest changes."""
