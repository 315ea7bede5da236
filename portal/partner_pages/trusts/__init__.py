"""A partner's trusts: their forms, what their issuers are asked, how well they are, their pages."""
