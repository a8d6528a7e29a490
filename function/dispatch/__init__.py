"""The function: it receives Alertmanager deliveries and creates one governed Kubernetes Job for each problem.

pipeline    the whole program in order; read it first
steps       what is done with one alert; stages has the values between the steps
storm       many alerts at once; storm_event describes them as one
translate, subject, normalize (decode, unmask), jobs, decide, enrich, render, plan
            one part of the work each; they do not know each other
model       the values that all of them use
ports       what the program needs from outside, as protocols; port_errors contains their errors
adapters    the implementations: OPA, the embedded engine, Kubernetes, a folder, the sinks
wiring      the only place that selects adapters
"""
