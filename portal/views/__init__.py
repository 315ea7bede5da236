"""The pages: each view parses its address, calls selectors, and renders a template."""
