"""The function: it receives Alertmanager deliveries and creates one governed Kubernetes Job for each problem.

pipeline    the order of all steps; read it first
steps       the steps for one alert; stages has the values between the steps
batches     which alerts the policy evaluates together, and which last
storm       many alerts at once; storm_event describes them as one event
translate, subject, normalize (decode, unmask), jobs, decide, enrich, render, plan
            one part of the work each
model       the values that all modules use
ports       one protocol for each dependency; port_errors turns unexpected errors of them into Unavailable
adapters    the implementations: OPA, the embedded engine, Kubernetes, a folder, the sinks
wiring      the only module that selects adapters
"""
