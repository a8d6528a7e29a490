"""What runs inside the Job, as PID 1 of its containers.

prepare       the repository's files, for an agent that proposes
agent         Claude Code from its start to its outcome; read this first
report        what came of it: merge request, verification, world model, ticket

inputs        what the pod was given, and where
tier          what the tier's mounted files allow, read strictly
signals       SIGTERM from the first moment on
handoff       the agent's report to the reporter, and the lock that tells a death
outcome       what the model has to say, what the runner adds, the termination message. Pure
redact        what must never be written down. Pure

of the agent:
command       tier -> command line, MCP configuration, environment. Pure
claude        the process: lines in, events out, and its end
session       the conversation: servers first, then the prompt, the clock, and the wrap-up
transcript    its events on standard output: cleaned and bounded

of the report:
git           the git binary, and nothing of what a repository would have it do
proposal      a folder that an agent changed -> one merge request, or a refusal
description   what a merge request says. Pure
verification  whether the alert cleared, asked of Prometheus; promql is its syntax. Never guessed
jira          one issue per problem; ticket is what it says
"""
