#!/usr/bin/env python3
"""Checks docs/Pipeline.md, or rewrites it with --update.

A listing after `<!-- run: passes -->` is what dyadic-opt prints for the listing
before it with these passes; the first one is its own input.
"""
import re
import subprocess
import sys

LISTING = re.compile(r"(<!-- run: (.*?) -->\n```mlir\n)(.*?)(```\n)", re.S)


def run(passes, ir):
    command = ["dyadic-opt", "-", *passes.split()]
    return subprocess.run(
        command, input=ir, text=True, check=True, stdout=subprocess.PIPE
    ).stdout.strip() + "\n"


def main(path, update):
    text = open(path).read()
    previous = None

    def replace(match):
        nonlocal previous
        head, passes, listing, tail = match.groups()
        previous = run(passes, previous or listing)
        return head + previous + tail

    fresh = LISTING.sub(replace, text)
    if update:
        open(path, "w").write(fresh)
    elif fresh != text:
        sys.exit(f"{path} is stale: run {sys.argv[0]} {path} --update")


main(sys.argv[1], "--update" in sys.argv[2:])
