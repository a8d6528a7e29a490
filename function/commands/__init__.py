"""The subcommands of `sre-dispatch`. Each has a module or a package."""
