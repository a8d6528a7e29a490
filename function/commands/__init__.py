"""The subcommands of `sre-dispatch`: a module or package each."""
