"""The command line `vipline`: one file per command, imported only when it is called."""

from __future__ import annotations

import importlib
import importlib.util

import click

# Each module holds a click command named `command`.
_MODULES = {
    "serve": "router.cli.serve",
    "check": "router.cli.check",
    "import": "router.cli.import_",
    "replay": "router.cli.replay",
    "bench": "router.cli.bench",
    "doctor": "router.cli.doctor",
    "demo": "router.cli.demo",
}


class LazyGroup(click.Group):
    """Commands whose modules are imported on use: `vipline serve` does not wait for the bench's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in _MODULES.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(_MODULES[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="vipline", prog_name="vipline")
def main() -> None:
    """Decides which caller talks to which agent, keeps every caller's place in line, and can say why."""
