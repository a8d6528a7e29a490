"""sre-dispatch: an Alertmanager delivery in, one governed Kubernetes Job per alert out.

main        the web edge: a request in, a status out
pipeline    the whole program in order; read it first
translate, subject, canonical, survey, storm, decide, enrich, render, plan
            the stages, pure but for the one port each may be handed
facts       what a world model tells, and what it remembers: the contract with it
ports       what the program needs from outside, as protocols
adapters    what gives it: OPA, the embedded engine, FFO, the memory's file, Kubernetes, a folder, the sinks
wiring      the one place that chooses among them
worldmodel  a server of its own, for those who have no FFO
runner      what runs inside the Job, around Claude Code
"""
