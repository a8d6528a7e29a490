"""The container `agent`. It runs Claude Code from the start to the outcome. Read agent.py first."""
