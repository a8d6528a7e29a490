"""The evaluation: whether the evidence of an incident reaches the agent. See README.md in this folder."""
