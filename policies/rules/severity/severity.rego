# METADATA
# title: The alert's severity label sets the initial level. No rule lowers it.
package sre_dispatch.rules.severity

import future.keywords.not

# METADATA
# title: This rule needs no configuration.
ready := true

# METADATA
# title: This is the initial level, before any rule raises it.
# custom:
#   change: Change the label severity in the alert's rule. info asks for LOW, warning for MEDIUM.
initial := input.event.severity if input.event.severity in {"LOW", "MEDIUM", "HIGH"}

# METADATA
# title: The alert's severity label asks for this level.
# custom:
#   change: Change the label severity in the alert's rule. info asks for LOW, warning for MEDIUM.
contributions contains {"code": "severity", "level": initial}
