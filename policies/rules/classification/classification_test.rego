# METADATA
# title: LOW needs a known class that allows it.
package sre_dispatch.rules.classification_test

import data.sre_dispatch.rules.classification
import future.keywords.not

config := {"autonomous": {"common": ["public", "internal"], "ours": ["green"]}}

given(levels) := {"ready": true, "withheld": levels}

unknown := {{"code": "classification_unknown", "level": "LOW"}}

classified := {{"code": "classified", "level": "LOW"}}

found(document) := answer if {
	answer := classification with input as document with data.config.classification as config
}

review(class) := {"phase": "review", "facts": {"classification": class}}

test_a_class_that_allows_it_keeps_low if {
	every class in ["public", "internal", "green"] {
		found(review(class)) == given(set())
	}
}

test_any_other_class_withholds_low if {
	every class in ["confidential", "secret", "Public", "public ", "common", "*", ""] {
		found(review(class)) == given(classified)
	}
}

test_an_unknown_or_mistyped_class_withholds_low if {
	every class in [null, 1, true, ["public"], {"a": "public"}] {
		found(review(class)) == given(unknown)
	}
	every facts in [null, {}, [], "public"] {
		found({"phase": "review", "facts": facts}) == given(unknown)
	}
	found({"phase": "review"}) == given(unknown)
}

test_triage_does_not_ask_for_the_class if {
	every document in [{"phase": "triage", "facts": null}, {"phase": "triage"}, {}, {"phase": null}] {
		found(document) == given(set())
	}
}

test_missing_or_mistyped_groups_are_not_ready if {
	every unusable in [
		{},
		null,
		{"autonomous": null},
		{"autonomous": ["public"]},
		{"autonomous": {"common": "public"}},
		{"autonomous": {"common": ["public", null]}},
		{"autonomous": {"common": ["public"], "ours": null}},
	] {
		classification == {"withheld": set()} with data.config.classification as unusable with input as review("public")
	}
	classification == given(classified) with data.config.classification as {"autonomous": {}}
		with input as review("public")
}

test_the_shipped_classes_are_public_and_internal if {
	classification == given(set()) with input as review("public")
	classification == given(set()) with input as review("internal")
	classification == given(classified) with input as review("confidential")
}
