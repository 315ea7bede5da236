"""Why an exchange was refused, in words for the people of the portal: what happened, and what to do about it."""
