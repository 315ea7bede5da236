"""The pages of the partner's side: each opens by one door, for a partner's own admin and for nobody else."""
