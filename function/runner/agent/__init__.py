"""The container `agent`: Claude Code from its start to its outcome. Read agent.py first."""
