"""Commands on another machine by the system's own `ssh`, which asks nothing and accepts no host it does not know."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import InputError, MachineError

_ALWAYS = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=20", "ServerAliveInterval=15")
"""Said first, and ssh keeps what it heard first: no password prompt, and no key of a stranger, whatever else is set."""

SSH_FAILED = 255
"""ssh's own exit status; those of the remote command are others."""

_ADVICE = {
    "host key verification failed": "its key is not known here; connect once with `ssh {host}` and check it",
    "remote host identification has changed": "its key is another one than before; find out why, then `ssh-keygen -R`",
    "permission denied": "it does not let this user in without a password; add your key with `ssh-copy-id {host}`",
    "connection refused": "nothing answers there; is it on, and does it run an SSH server on that port?",
    "could not resolve": "no machine of that name is known; check the name",
    "timed out": "it does not answer; is it on, and on this network?",
    "no route to host": "it cannot be reached from this network",
}
"""What ssh says, in lower case, and what to do about it."""


@dataclass(frozen=True)
class Host:
    """A machine to reach."""

    name: str
    """As ssh takes it: `user@host`, or a name of `~/.ssh/config`."""
    options: Sequence[str] = ()
    """Each as `-o` of ssh takes it, such as `Port=2222`."""

    def run(
        self, script: str, arguments: Iterable[str] = (), *, stdin: Path | None = None, seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a script of POSIX sh there and return what it printed; what it says on stderr is shown as it comes.

        Args:
            script: With the arguments as `$1` and so on.
            arguments: Any text.
            stdin: A file to feed to it.
            seconds: The longest that it may take.

        Raises:
            InputError: the name of the host looks like an option.
            MachineError: there is no ssh here, the connection failed, or time is over.
        """
        if not self.name or self.name.startswith("-") or any(character.isspace() for character in self.name):
            raise InputError(f"--ssh {self.name!r}: user@host is expected")
        program = shutil.which("ssh")
        if program is None:
            raise MachineError("there is no `ssh` on this machine; install OpenSSH's client")
        options = [word for option in (*_ALWAYS, *self.options) for word in ("-o", option)]
        command = [program, *options, "--", self.name, shlex.join(["sh", "-c", script, "sh", *arguments])]
        with open(os.devnull if stdin is None else stdin, "rb") as fed:  # noqa: PTH123 - one of them is no path
            try:
                done = subprocess.run(command, stdin=fed, capture_output=True, timeout=seconds, check=False)
            except subprocess.TimeoutExpired as error:
                raise MachineError(f"{self.name}: gave no answer in {seconds:.0f} s; is it very busy?") from error
        if done.returncode == SSH_FAILED:
            raise MachineError(f"{self.name}: {self._advice(done.stderr.decode(errors='replace'))}")
        return done

    def _advice(self, said: str) -> str:
        for sign, advice in _ADVICE.items():
            if sign in said.lower():
                return advice.format(host=self.name)
        lines = said.strip().splitlines()
        return f"ssh failed ({lines[-1] if lines else 'it says nothing'}); try `ssh {self.name}`"
