"""Typed errors: each says what happened, the value seen and what to do, and carries its exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process of this project ends with; the same meaning in every command."""

    OK = 0
    INPUT = 1
    """An error in the input or the environment that the user can mend."""
    USAGE = 2
    BUG = 3
    """A defect of this project; the traceback is in a log file whose path was printed."""
    REFUSED = 4
    """A gate failed, or a comparison found the new one worse."""
    INCONCLUSIVE = 5
    """Not enough data to decide."""
    INVALID = 6
    """A measurement that is invalid, or two that cannot be compared."""
    INTERRUPTED = 130


class EdgeError(Exception):
    """Base of every error that a user or a host program can mend."""

    exit_code: ExitCode = ExitCode.INPUT


class EdgeWarning(UserWarning):
    """Something that a user should know and that stops nothing, such as a provisional bundle."""


class BundleError(EdgeError):
    """The bundle cannot be trusted or read."""


class IntegrityError(BundleError):
    """Bytes are not those that were signed off: a digest differs, or a file is missing, unlisted or a link."""


class SchemaError(BundleError):
    """The manifest is not of a schema that this runtime knows, or breaks its rules."""


class InputError(EdgeError):
    """An input to the model (image, array, text, file) cannot be used."""


class MachineError(EdgeError):
    """Something of the machine is missing or wrong: a package, a provider, a device, a permission."""


class SelfTestError(EdgeError):
    """A golden vector did not give the answer that it gave when the bundle was made."""

    exit_code = ExitCode.REFUSED


class RefusedError(EdgeError):
    """A gate refused; nothing was shipped."""

    exit_code = ExitCode.REFUSED
