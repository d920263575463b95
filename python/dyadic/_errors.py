"""Diagnostics and the exceptions that carry them."""

from __future__ import annotations

from typing import NamedTuple, Sequence


class Diagnostic(NamedTuple):
    """One message of the compiler."""

    severity: str
    """"error", "warning", "remark", or "note": more about the one before."""
    location: str
    """The name of the op or file that it is about, or empty."""
    message: str

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{self.severity}: {where}{self.message}"


class Error(Exception):
    """What all exceptions of this package derive from that aren't about an argument.

    `diagnostics` lists everything the compiler said, in order; the exception's text is
    its errors, each with its place.
    """

    def __init__(self, text: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(text)
        self.diagnostics: list[Diagnostic] = list(diagnostics)


class CompileError(Error):
    """The model, its samples or an option can't be compiled, or a file can't be written."""


class CompilerCrash(CompileError):
    """The process that compiled ended without an answer. The interpreter is unharmed."""


class LoadError(Error):
    """A compiled model can't be loaded or run here."""


class CompileWarning(UserWarning):
    """A model was compiled, but something about it is worth knowing."""


def explain(diagnostics: Sequence[Diagnostic]) -> str:
    """The errors and their notes, a line each; all of it where there is no error."""
    lines: list[str] = []
    of_error = False
    for diagnostic in diagnostics:
        if diagnostic.severity != "note":
            of_error = diagnostic.severity == "error"
        if of_error:
            text = str(diagnostic)
            lines.append(text[len("error: ") :] if diagnostic.severity == "error" else "  " + text)
    return "\n".join(lines or [str(diagnostic) for diagnostic in diagnostics])
