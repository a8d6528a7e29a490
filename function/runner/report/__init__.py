"""The container `report`. It opens the merge request, verifies the alert, records the run and posts the
ticket. Read report.py first."""
