"""The pages of partners by subject, and what they share: the frame, the looks of fields, how a change is looked at."""
