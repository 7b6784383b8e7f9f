"""The command `edge`: one file per command, loaded when it is called."""

import sys

import click

from edge_benchmarks.cli.boundary import run_command

COMMANDS = {
    "sample": ("edge_pipeline.cli.sample", "Write real images or texts to train on."),
    "scrub": ("edge_pipeline.cli.scrub", "Mask personal data in texts, before training."),
    "train": ("edge_pipeline.cli.train", "Fine-tune a network on images or texts."),
    "export": ("edge_pipeline.cli.export", "Turn a run into a proven bundle."),
    "eval": ("edge_pipeline.cli.eval", "Measure a bundle's accuracy, with its interval."),
    "bench": ("edge_pipeline.cli.bench", "Measure a bundle's latency, memory and size."),
    "compare": ("edge_pipeline.cli.compare", "Judge a build against another, as a gate for CI."),
    "report": ("edge_benchmarks.cli.report", "Put stored results side by side, and over time."),
    "prove": ("edge_benchmarks.cli.prove", "Prove a bundle on the machine that runs it."),
    "run": ("edge_pipeline.cli.run", "Ask a bundle about images or texts."),
    "inspect": ("edge_pipeline.cli.inspect", "Show what is in a bundle and what was proven."),
    "unpack": ("edge_pipeline.cli.unpack", "Write a bundle's plain ONNX files, for other hosts."),
    "pack": ("edge_pipeline.cli.pack", "Add what devices measured, or pack wheels for them."),
    "verify": ("edge_pipeline.cli.verify", "Check a bundle's bytes and answers on this machine."),
}
"""Name to module and one-line help, in the order of use. The module's `command` is imported when it is called."""


class LazyGroup(click.Group):
    """A group that imports a command's module when it is used, so that `edge --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        from importlib import import_module

        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edge-toolchain")
def edge() -> None:
    """From labelled data to a model on a device, proven.

    \b
    edge sample mnist data/
    edge train data/ -o runs/mnist
    edge export runs/mnist --quantize int8 -o mnist.edge
    edge run mnist.edge data/test/7/*.png
    """


def main() -> None:
    """Run `edge` and end the process with the exit code that docs/reference.md lists."""
    sys.exit(run_command(edge, prog_name="edge"))
