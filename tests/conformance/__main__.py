"""``python -m tests.conformance``: run every test that holds up a rule, and write ``docs/conformance.md``."""

from __future__ import annotations

import sys

import pytest

PAGE = "docs/conformance.md"

if __name__ == "__main__":
    options = ["-m", "rule", "-p", "tests.conformance_report", "--conformance", PAGE, "-n", "2", "-q", *sys.argv[1:]]
    sys.exit(pytest.main(options))
