"""The container `agent`. The container runs Claude Code and ends with an outcome. Read agent.py first."""
