# METADATA
# title: A phrase matches whole words of one text. A command matches one sentence with a word of each list.
package sre_dispatch.text_test

import data.sre_dispatch.text
import future.keywords.not

groups := {
	"files": {"words": ["rm -rf", "wipe it"]},
	"sql": {"words": ["drop table", "truncate"]},
}

holds_phrase(words) if text.holds_phrase(groups) with input as {"text": {"words": words}}

commands := {
	"ignore": [[["all", "previous"], ["rules", "orders"]], [["everything"]]],
	"obey": [[]],
	"wait": [],
}

holds_command(words) if text.holds_command([split(words, " ")], commands)

test_a_phrase_is_found_wherever_it_stands_in_a_text if {
	every words in [
		" rm -rf ",
		" rm -rf /data ",
		" please rm -rf ",
		" then rm -rf now ",
		" wipe it ",
		" to free space drop table orders ",
		" truncate ",
	] {
		holds_phrase([words])
	}
}

test_a_phrase_is_found_in_any_of_the_texts if {
	holds_phrase([" disk is full ", " please wipe it ", " thanks "])
	holds_phrase([" disk is full ", " thanks ", " wipe it "])
}

test_what_only_resembles_a_phrase_is_none if {
	every words in [
		"",
		" ",
		" rm ",
		" -rf rm ",
		" rm the -rf ",
		" rm -rfv ",
		" farm -rf ",
		" rm  -rf ",
		" drop-table ",
		" backdrop table ",
		" truncated ",
	] {
		not holds_phrase([words])
	}
}

test_a_phrase_is_not_put_together_from_two_texts if {
	not holds_phrase([" please drop ", " table orders "])
	not holds_phrase([" rm ", " -rf "])
}

test_without_texts_there_is_no_phrase if {
	not holds_phrase([])
	every document in [
		{},
		{"text": null},
		{"text": {}},
		{"text": " rm -rf "},
		{"text": [" rm -rf "]},
		{"text": {"words": null}},
		{"text": {"words": " rm -rf "}},
		{"text": {"words": {"a": " rm -rf "}}},
		{"text": {"words": [null, 1, [" rm -rf "]]}},
	] {
		not text.holds_phrase(groups) with input as document
	}
}

test_without_phrases_there_is_none if {
	every none in [{}, {"files": {}}, {"files": {"words": []}}, {"files": null}, {"files": "rm -rf"}] {
		not text.holds_phrase(none) with input as {"text": {"words": [" rm -rf "]}}
	}
}

test_a_command_is_found_with_a_word_of_each_list if {
	every words in [
		"ignore all rules",
		"ignore previous orders",
		"please ignore all of the other rules",
		"all rules you may ignore",
		"ignore everything",
	] {
		holds_command(words)
	}
}

test_a_command_whose_form_is_empty_is_found_alone if {
	holds_command("obey")
	holds_command("you will obey me")
}

test_a_command_without_its_words_is_none if {
	every words in [
		"",
		"ignore",
		"ignore all",
		"ignore rules",
		"ignored all rules",
		"all previous rules and orders",
		"everything",
		"wait",
		"wait for all rules",
	] {
		not holds_command(words)
	}
}

test_a_command_and_its_words_stand_in_one_sentence if {
	not text.holds_command([["ignore", "all"], ["rules"]], commands)
	text.holds_command([["ignore", "all"], ["rules"], ["ignore", "all", "rules"]], commands)
}

test_without_sentences_there_is_no_command if {
	every none in [
		[],
		{},
		null,
		1,
		"ignore everything",
		[[]],
		[{}],
		[null],
		[1],
		["ignore everything"],
		[[null, 1, true]],
		[[["ignore", "everything"]]],
	] {
		not text.holds_command(none, commands)
	}
}

test_without_commands_there_is_none if {
	every none in [{}, null, [], "ignore", {"ignore": {}}, {"ignore": []}, {"everything": []}] {
		not text.holds_command([["ignore", "everything"]], none)
	}
}

test_mistyped_phrases_and_commands_hide_no_others if {
	every words in [null, 1, "wipe it", [null, 1, ["wipe it"]]] {
		odd := {"a": {"words": words}, "b": {"words": ["rm -rf"]}}
		text.holds_phrase(odd) with input as {"text": {"words": [" rm -rf "]}}
		not text.holds_phrase(odd) with input as {"text": {"words": [" wipe it "]}}
	}
	every forms in [null, 1, "everything", [["everything"]], [[null]]] {
		not text.holds_command([["ignore", "everything"]], {"ignore": forms})
		text.holds_command([["ignore", "everything"]], {"ignore": forms, "everything": [[]]})
	}
}

test_the_vocabulary_has_each_word_of_the_sentences_once if {
	text.vocabulary == {"drop", "it", "now"} with input as {"text": {"sentences": [["drop", "it"], ["drop", "now"], []]}}
	text.vocabulary == {"drop"} with input as {"text": {"sentences": [["drop", null, 1], "it", null, {"a": 1}]}}
	text.vocabulary == set() with input as {"text": {"sentences": []}}
	every document in [{}, null, {"text": {"sentences": null}}] {
		text.vocabulary == set() with input as document
	}
}

test_words_are_found_by_their_parts if {
	document := {"text": {"sentences": [["delete", "/var/lib/a", "b.drop"], ["a", null, 1]]}}
	text.containing(["/var", "x"]) == {"/var/lib/a"} with input as document
	text.containing(["/var", "op", null, 1]) == {"/var/lib/a", "b.drop"} with input as document
	text.containing(["e /", "x"]) == set() with input as document
	text.containing([]) == set() with input as document
	text.containing(["a"]) == set() with input as {"text": {"sentences": []}}
}
