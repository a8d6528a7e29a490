"""What runs inside a Job. Each container runs one role, as PID 1.

agent/agent     role `agent`: Claude Code from its start to its outcome; read this first
prepare         role `prepare`: fetches the repository for an agent that proposes changes
report/report   role `report`: merge request, verification, world model, ticket

tier            what the tier's mounted files allow
inputs, paths   what the dispatcher gave the Job, and where files are
handoff         the agent's report for the reporter, and a lock that shows whether the agent lives
outcome         the model's outcome, the runner's report, the termination message
redact          removes credentials from text
signals         SIGTERM and SIGINT
git, git_process, checkout, file_names
                the repository: commands, the process, files in a folder, safe names

agent/          claude_args: command line and environment; process: the program; session: the conversation;
                transcript: its events on standard output
report/         changes, guard, merge_request, description: what an agent changed -> one merge request;
                verification, condition, questions, promql: whether the alert cleared;
                jira, jira_api, jira_text: the ticket
"""
