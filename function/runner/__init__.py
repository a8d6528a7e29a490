"""What runs inside the Job, as PID 1 of its containers.

agent       Claude Code from its start to its outcome; read this first
tier        what the tier's mounted file allows, read strictly
command     tier -> command line, MCP configuration, environment. Pure
claude      the process: lines in, events out, and its end
session     the conversation: servers first, then the prompt, the clock, and the wrap-up
outcome     what the model has to say, what the runner adds, the termination message. Pure
secrets     what must never be written down. Pure
"""
