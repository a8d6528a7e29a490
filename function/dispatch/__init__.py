"""The function: an Alertmanager delivery in, one governed Kubernetes Job per problem out.

pipeline   the whole program in order; read it first
translate, subject, normalize (decode, unmask), jobs, storm, decide, enrich, render, plan
           the steps, pure but for the one port each may be handed
model      the values that pass between the steps
ports      what the program needs from outside, as protocols
adapters   what gives it: OPA, the embedded engine, Kubernetes, a folder, the sinks
wiring     the one place that chooses among them
"""
