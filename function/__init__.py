"""sre-dispatch: an Alertmanager delivery in, one governed Kubernetes Job per alert out.

main        the web edge: a request in, a status out
__main__    the command `sre-dispatch`
dispatch    the function; dispatch/pipeline.py is the whole program in order, read it first
runner      what runs inside the Job, around Claude Code
worldmodel  a server of its own, for those who have no FFO
commands    the subcommands: demo, explain, enrolment, replay, record, check
shared      what two of these need
"""
