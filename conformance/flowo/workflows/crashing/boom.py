"""A script that fails."""

raise ValueError("gene table has no column 'tpm'")
