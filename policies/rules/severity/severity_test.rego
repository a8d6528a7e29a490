# METADATA
# title: The label sets the initial level. An unknown label sets none.
package sre_dispatch.rules.severity_test

import data.sre_dispatch.rules.severity
import future.keywords.not

test_a_known_severity_is_the_initial_level_and_a_reason if {
	every level in ["LOW", "MEDIUM", "HIGH"] {
		severity == {
			"ready": true,
			"initial": level,
			"contributions": {{"code": "severity", "level": level}},
		} with input as {"event": {"severity": level}}
	}
}

test_any_other_severity_gives_no_initial_level if {
	every event in [{}, null, "LOW", {"severity": null}, {"severity": 1}, {"severity": ["LOW"]}] {
		severity == {"ready": true, "contributions": set()} with input as {"event": event}
	}
	every level in ["low", "CRITICAL", "", " LOW"] {
		severity == {"ready": true, "contributions": set()} with input as {"event": {"severity": level}}
	}
}

test_an_empty_input_gives_no_initial_level if {
	severity == {"ready": true, "contributions": set()} with input as {}
}
