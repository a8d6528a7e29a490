# METADATA
# title: Each signal asks for its level. An unknown signal or a truncated text is HIGH.
package sre_dispatch.rules.hidden_text_test

import data.sre_dispatch.rules.hidden_text
import future.keywords.not

config := {"signals": {"ansi": "LOW", "bidi": "HIGH", "spaced_letters": "MEDIUM"}}

unknown := {"code": "unknown_signal", "level": "HIGH"}

truncated := {"code": "text_truncated", "level": "HIGH"}

hidden(level) := {"code": "hidden_text", "level": level}

found(text) := answer if {
	answer := hidden_text.contributions with input as {"text": text} with data.config.hidden_text as config
}

test_a_signal_asks_for_its_level if {
	every signal, level in config.signals {
		found({"signals": [signal]}) == {hidden(level)}
	}
}

test_each_of_several_signals_counts if {
	found({"signals": ["bidi", "ansi"]}) == {hidden("HIGH"), hidden("LOW")}
	found({"signals": ["ansi", "spaced_letters", "bidi"]}) == {hidden("LOW"), hidden("MEDIUM"), hidden("HIGH")}
}

test_a_signal_that_no_one_gave_a_level_is_high if {
	every signal in ["invisible_ink", "ANSI", "ansi_", "", " ansi", 1, null, false, ["ansi"]] {
		found({"signals": [signal]}) == {unknown}
	}
}

test_a_known_signal_does_not_excuse_an_unknown_one if {
	found({"signals": ["ansi", "invisible_ink"]}) == {hidden("LOW"), unknown}
	found({"signals": ["invisible_ink", "ansi"]}) == {hidden("LOW"), unknown}
}

test_a_text_without_signals_that_was_read_whole_gives_no_reason if {
	found({"signals": [], "truncated": false}) == set()
}

test_a_truncated_text_is_high if {
	found({"signals": [], "truncated": true}) == {truncated}
	found({"signals": ["ansi"], "truncated": true}) == {hidden("LOW"), truncated}
	found({"truncated": true}) == {truncated}
}

test_a_text_that_was_not_read_whole_is_denied_for_good if {
	unread := {{"code": "text_unread", "retry": false}}
	hidden_text.denials == unread with input as {"text": {"unread": true}}
	hidden_text.denials == unread with input as {"text": {"unread": true}} with data.config as {}
	every text in [null, {}, {"unread": false}, {"unread": null}, {"unread": "true"}, {"truncated": true}] {
		hidden_text.denials == set() with input as {"text": text}
	}
	hidden_text.denials == set() with input as {}
}

test_absent_or_mistyped_fields_give_no_reason if {
	every text in [
		null,
		1,
		"bidi",
		["bidi"],
		{},
		{"signals": null, "truncated": null},
		{"signals": "bidi", "truncated": "true"},
		{"signals": 1, "truncated": 1},
		{"signals": true, "truncated": [true]},
		{"signals": {}, "truncated": {"a": true}},
	] {
		found(text) == set()
	}
	every document in [{}, [], null, "bidi"] {
		hidden_text.contributions == set() with input as document with data.config.hidden_text as config
	}
}

test_the_levels_that_an_agent_can_have_are_ready if {
	hidden_text.ready with data.config.hidden_text as config
	every level in ["LOW", "MEDIUM", "HIGH"] {
		hidden_text.ready with data.config.hidden_text as {"signals": {"ansi": level}}
	}
}

test_an_empty_map_is_ready_and_knows_no_signal if {
	hidden_text.ready with data.config.hidden_text as {"signals": {}}
	hidden_text.contributions == {unknown} with data.config.hidden_text as {"signals": {}}
		with input as {"text": {"signals": ["bidi"]}}
}

test_missing_or_mistyped_levels_are_not_ready_and_only_the_cut_is_told if {
	every unusable in [
		{},
		null,
		{"signals": null},
		{"signals": "HIGH"},
		{"signals": ["HIGH"]},
		{"signals": {"ansi": "LOW", "bidi": "CRITICAL"}},
		{"signals": {"ansi": "LOW", "bidi": "high"}},
		{"signals": {"ansi": "LOW", "bidi": ""}},
		{"signals": {"ansi": "LOW", "bidi": null}},
		{"signals": {"ansi": "LOW", "bidi": false}},
		{"signals": {"ansi": "LOW", "bidi": ["HIGH"]}},
	] {
		not hidden_text.ready with data.config.hidden_text as unusable
		hidden_text.contributions == set() with data.config.hidden_text as unusable
			with input as {"text": {"signals": ["ansi", "bidi", "other"], "truncated": false}}
		hidden_text.contributions == {truncated} with data.config.hidden_text as unusable
			with input as {"text": {"signals": ["ansi", "bidi", "other"], "truncated": true}}
	}
	not hidden_text.ready with data.config as {}
	hidden_text.contributions == {truncated} with data.config as {}
		with input as {"text": {"signals": ["bidi"], "truncated": true}}
}

# The signals that the function can report.
test_the_shipped_levels_are_ready_and_know_every_signal if {
	hidden_text.ready
	every signal in [
		"ansi",
		"bidi",
		"encoded_text",
		"hidden_characters",
		"hidden_comment",
		"mixed_scripts",
		"spaced_letters",
		"styled_letters",
		"tag_characters",
	] {
		not unknown in hidden_text.contributions with input as {"text": {"signals": [signal]}}
	}
	every signal, level in data.config.hidden_text.signals {
		signal == lower(signal)
		not contains(signal, " ")
		hidden_text.contributions == {hidden(level)} with input as {"text": {"signals": [signal]}}
	}
}
