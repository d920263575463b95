"""Writes measured tables into documents, between markers, with what they were measured on."""
import datetime
import importlib.metadata
import os
import re
import subprocess


def machine():
    """The CPU as it presents itself, and the instructions that matter here."""
    with open("/proc/cpuinfo") as f:
        text = f.read()
    field = lambda name: (re.search(rf"^{name}\s*:\s*(.*)$", text, re.M) or [None, "unknown"])[1]
    flags = set(field("flags").split())
    has = [f for f in ("avx2", "avx_vnni", "avx512_vnni", "amx_int8") if f in flags]
    return f"{field('model name')} (family {field('cpu family')}, model {field('model')}; {', '.join(has)})"


def versions(*packages):
    found = []
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    return ", ".join(found)


def commit(root):
    done = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    dirty = subprocess.run(["git", "-C", root, "diff", "--quiet", "HEAD", "--", "lib", "include", "tools", "cmake"])
    return (done.stdout.strip() or "unknown") + (" with changes" if dirty.returncode else "")


def build_first(root, *targets):
    """What is published was measured with what is checked out."""
    if "DYADIC" in os.environ:
        raise SystemExit("--write measures build/release: unset DYADIC")
    subprocess.run([os.path.join(root, "scripts/build"), "release", *(targets or ["dyadic"])], check=True)


def heading(root, *packages):
    today = datetime.date.today().isoformat()
    return f"{today}, commit {commit(root)}, {'; '.join(filter(None, [machine(), versions(*packages)]))}."


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def number(value, digits=3):
    """Three significant digits, without an exponent."""
    if value is None:
        return "–"
    text = f"{value:.{digits}g}"
    return text if "e" not in text else f"{value:.0f}"


def write(path, marker, text):
    """Replaces what stands between <!-- marker --> and <!-- /marker -->."""
    with open(path) as f:
        document = f.read()
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    if begin not in document or end not in document:
        raise SystemExit(f"{path} has no {begin} … {end}")
    before, rest = document.split(begin, 1)
    after = rest.split(end, 1)[1]
    with open(path, "w") as f:
        f.write(f"{before}{begin}\n{text.strip()}\n{end}{after}")
