# METADATA
# title: LOW needs a known, small number of recent failures.
package sre_dispatch.rules.recent_failures_test

import data.sre_dispatch.rules.recent_failures
import future.keywords.not

config := {"failure_threshold": 2}

given(levels) := {"ready": true, "withheld": levels}

unknown := {{"code": "failures_unknown", "level": "LOW"}}

failed := {{"code": "recent_failures", "level": "LOW"}}

found(document) := answer if {
	answer := recent_failures with input as document with data.config.recent_failures as config
}

review(failures) := {"phase": "review", "facts": {"failures": failures}}

test_failures_below_the_threshold_keep_low if {
	every failures in [0, 1] {
		found(review(failures)) == given(set())
	}
}

test_failures_from_the_threshold_on_withhold_low if {
	every failures in [2, 3, 1000] {
		found(review(failures)) == given(failed)
	}
}

test_unknown_or_mistyped_failures_withhold_low if {
	every failures in [null, "0", true, [0], {"a": 0}] {
		found(review(failures)) == given(unknown)
	}
	every facts in [null, {}, [], "0"] {
		found({"phase": "review", "facts": facts}) == given(unknown)
	}
	found({"phase": "review"}) == given(unknown)
}

test_triage_does_not_ask_for_failures if {
	every document in [{"phase": "triage", "facts": null}, {"phase": "triage"}, {}, {"phase": null}] {
		found(document) == given(set())
	}
}

test_a_missing_or_mistyped_threshold_is_not_ready if {
	every unusable in [{}, null, {"failure_threshold": null}, {"failure_threshold": "1"}, {"failure_threshold": [1]}] {
		recent_failures == {"withheld": set()} with data.config.recent_failures as unusable with input as review(1000)
	}
}

test_by_the_shipped_threshold_one_failure_is_enough if {
	recent_failures == given(set()) with input as review(0)
	recent_failures == given(failed) with input as review(1)
}
