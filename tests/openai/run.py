"""Runs the tests of this folder and ends with the two lines that ./check counts."""

import sys
import unittest
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    loader = unittest.TestLoader()
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(here))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    bad = len(result.failures) + len(result.errors)
    print(f"# pass {result.testsRun - bad - len(result.skipped)}")
    print(f"# fail {bad}")
    sys.exit(1 if bad or not result.testsRun else 0)
