# METADATA
# title: The alert's severity label says where to begin, and no rule goes below it.
package sre_dispatch.rules.severity

import future.keywords.not

# METADATA
# title: This rule needs no data of the operator's.
ready := true

# METADATA
# title: The level that the alert asks for, before any rule raises it.
# custom:
#   change: Change the label severity where the alert is defined; info asks for LOW, warning for MEDIUM.
initial := input.event.severity if input.event.severity in {"LOW", "MEDIUM", "HIGH"}

# METADATA
# title: The alert's severity label asks for this level.
# custom:
#   change: Change the label severity where the alert is defined; info asks for LOW, warning for MEDIUM.
contributions contains {"code": "severity", "level": initial}
