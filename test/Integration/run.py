#!/usr/bin/env python3
"""Runs the integration tests and those of the Python package: run.py [-k PATTERN] [-f]. The last line counts them."""
import argparse
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = [HERE, os.path.join(os.path.dirname(HERE), "Python")]
sys.path.insert(0, HERE)


class Result(unittest.TextTestResult):
    """One line per test, with its time; subtests count with their test."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.passed, self.broken = 0, set()

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.broken.add(test.id())

    def addError(self, test, error):
        super().addError(test, error)
        self.broken.add(test.id())

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.broken.add(test.id())

    def stopTest(self, test):
        if test.id() in self.broken:
            verdict = "FAIL"
        elif any(t is test for t, _ in self.skipped):
            verdict = "SKIP: " + [why for t, why in self.skipped if t is test][0]
        else:
            verdict, self.passed = "PASS", self.passed + 1
        name = test.id().split(".", 1)[1] if "." in test.id() else test.id()
        print(f"{name} {verdict} ({time.monotonic() - self.started:.1f} s)", flush=True)
        super().stopTest(test)

    def printErrors(self):
        self.stream.writeln()
        for test, text in self.errors + self.failures:
            self.stream.writeln(f"==== {test}\n{text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", action="append", metavar="PATTERN", help="only tests whose name contains this")
    parser.add_argument("-f", "--failfast", action="store_true")
    options = parser.parse_args()
    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [f"*{k}*" for k in options.k]
    suite = unittest.TestSuite(loader.discover(folder, "test_*.py", folder) for folder in FOLDERS)
    runner = unittest.TextTestRunner(sys.stdout, verbosity=0, failfast=options.failfast, resultclass=Result)
    result = runner.run(suite)
    failed, skipped = len(result.broken), len(result.skipped)
    print(f"integration: {result.passed} passed, {failed} failed, {skipped} skipped")
    return 0 if failed == 0 and result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
