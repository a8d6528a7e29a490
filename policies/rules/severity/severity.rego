# METADATA
# title: The alert's severity label says where to begin, and no rule goes below it.
package sre_dispatch.rules.severity

import future.keywords.not

# METADATA
# title: This rule needs no data of the operator's.
ready := true

# METADATA
# title: The level that the alert asks for, before any rule raises it.
initial := input.event.severity if input.event.severity in {"LOW", "MEDIUM", "HIGH"}

# METADATA
# title: The level asked for is itself a reason.
contributions contains {"code": "severity", "level": initial}
