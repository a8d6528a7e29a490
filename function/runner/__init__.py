"""The wing that runs inside a Job. Each container runs one role, as PID 1.

agent/agent     role `agent`: runs Claude Code; read this first
prepare         role `prepare`: fetches the repository for an agent that proposes changes
report/report   role `report`: merge request, verification, world model, ticket

tier            the tier's files: what an agent may do, and how a run is reported
inputs, paths   the inputs from the dispatcher, and the paths of files
handoff         passes the agent's report to the role `report`; a lock shows whether the agent runs
outcome         the model's outcome, the runner's report, the termination message
redact          removes credentials from text
signals         SIGTERM and SIGINT
git, git_process, checkout, file_names
                the repository: commands, the process, files in a folder, safe names

agent/          claude_args: command line and environment; process: the program; session: the conversation;
                budget: the limits of a run; transcript: its events on standard output
report/         changes, guard, merge_request, description: the agent's changes -> one merge request;
                verification, condition, questions, promql: whether the alert cleared;
                jira, jira_api, jira_text: the ticket
"""
