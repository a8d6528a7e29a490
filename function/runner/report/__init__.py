"""The container `report`: merge request, verification, world model, ticket. Read report.py first."""
