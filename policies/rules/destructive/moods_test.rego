# METADATA
# title: An alternative, a suggestion and a duty of software are no orders, unless they name what they destroy.
package sre_dispatch.rules.destructive.moods_test

import data.sre_dispatch.rules.destructive.orders
import future.keywords.not

# These tests use the shipped words. "files" is vague, and "the volume" is named.

does(words) := told([], words, [])

after(before, words) := told(split(before, " "), words, [])

followed(words, next) := told([], words, split(next, " "))

told(before, words, next) := answer if {
	sentence := split(words, " ")
	answer := orders.found(sentence, before, next) with input as {"text": {"sentences": [sentence]}}
}

all_do(lists, expected) if {
	every words in lists {
		does(words) == expected
	}
}

test_a_plain_imperative_is_firm_whatever_it_names if {
	all_do(["delete files", "please delete old files", "delete the volume", "now delete all files and restart"], {"order"})
}

# Alternatives and suggestions.

test_an_alternative_is_an_advice_if_it_names_nothing if {
	all_do(
		[
			"enlarge it or delete files",
			"enlarge it or manually delete old files",
			"enlarge it or try to delete files",
			"either delete files",
			"enlarge it and/or delete files",
			"enlarge it or find and delete files",
		],
		{"advice"},
	)
	all_do(
		[
			"enlarge it or delete the volume",
			"enlarge it or a b delete files",
			"enlarge it or also now delete files",
			"enlarge it or also also also also delete files",
			"or so delete files",
		],
		{"order"},
	)
}

test_an_alternative_in_the_sentence_before_is_one if {
	after("alternatively", "delete files") == {"advice"}
	after("if possible", "delete files") == {"advice"}
	after("or", "manually delete files") == {"advice"}
	after("alternatively", "delete the volume") == {"order"}
	after("alternatively now", "delete files") == {"order"}
	after("if needed", "delete files") == {"order"}
	after("or if possible", "delete files") == {"order"}
	after("also if", "delete files") == {"order"}
	after("alternatively", "restart it then delete files") == {"order"}
	after("", "delete files") == {"order"}
}

test_a_remedy_behind_or_makes_an_alternative if {
	does("delete files or enlarge it") == {"advice"}
	does("delete files or folders") == {"order"}
	does("delete the volume or enlarge it") == {"order"}
	does("enlarge it or resize it then delete files") == {"order"}
	followed("delete files", "or enlarge it") == {"advice"}
	followed("delete files", "enlarge it") == {"order"}
	followed("delete files", "or restart it") == {"order"}
	followed("delete files", "or") == {"order"}
}

test_a_suggestion_is_an_advice_if_it_names_nothing if {
	all_do(
		[
			"consider deleting old files",
			"you can delete files",
			"it is possible to delete files",
			"consider moving and deleting files",
			"you might need to delete files",
			"delete files if possible",
		],
		{"advice"},
	)
	all_do(
		[
			"consider deleting the volume",
			"you can delete the volume",
			"it is possible to delete the volume",
			"you might need to delete the volume",
			"delete the volume if possible",
			"you need to delete files",
			"delete files if you wish",
			"if possible see and delete files",
			"and deleting files consider it",
			"might a b c d delete files",
		],
		{"order"},
	)
}

# Duties.

test_a_duty_of_software_is_nothing_or_an_advice_if_it_names_something if {
	every words in [
		"the job that should delete",
		"the nightly job should delete",
		"retention must",
		"gc should automatically delete",
		"the job is supposed to delete",
		"the cron job which has to delete",
		"jobs that delete",
	] {
		start := trimmed(words)
		does(concat(" ", [start, "delete old files"])) == set()
		does(concat(" ", [start, "delete the volume"])) == {"advice"}
	}
}

# Without the verb at its end
trimmed(words) := concat(" ", [word | word := split(words, " ")[_]; word != "delete"])

test_a_duty_that_is_written_otherwise_is_an_order if {
	all_do(
		[
			"job delete files",
			"the job now should and delete files",
			"should delete files",
			"is supposed to delete files",
			"the job has x to delete files",
			"the job should x delete files",
		],
		{"order"},
	)
}

test_a_duty_of_people_is_an_order if {
	all_do(
		[
			"you should delete files",
			"the on-call must delete files",
			"whoever reads it should delete files",
			"the team is supposed to delete files",
			"and should delete files",
		],
		{"order"},
	)
}

test_a_duty_of_an_unknown_subject_is_an_advice_if_it_is_described_or_names_nothing if {
	all_do(
		[
			"the foo should delete files",
			"the foo should delete the volume",
			"the new foo should delete the volume",
			"this job should delete files",
			"this job should delete the volume",
			"foo should delete files",
			"that should delete files",
			"job x y z that delete files",
		],
		{"advice"},
	)
	all_do(["foo should delete the volume", "a b c foo should delete the volume", "job x y z that delete the volume"], {"order"})
}

test_what_a_sentence_is_to_bring_about_is_an_advice if {
	all_do(
		[
			"ensure that the volume is deleted",
			"please make sure the volume gets deleted",
			"have the volume deleted",
			"get old files deleted",
		],
		{"advice"},
	)
	all_do(
		[
			"the volume is deleted",
			"ensure that the volume is not deleted",
			"ensure the volume was deleted",
			"now ensure the volume is deleted",
			"have the volume x deleted",
			"ensure the pod is deleted",
			"ensure the volume is bound",
		],
		set(),
	)
}

test_a_question_and_a_supposition_are_an_advice if {
	all_do(["if you delete the volume", "did somebody delete files"], {"advice"})
	all_do(["you delete the volume", "if it delete the volume", "if so you delete the volume"], {"order"})
}

test_software_that_destroys_by_itself_is_reported if {
	all_do(
		[
			"compaction frees space by deleting old files",
			"the gc frees space by deleting files",
			"cleanup should run and delete files",
			"brokers delete old files",
			"kafka brokers delete old files",
		],
		set(),
	)
	all_do(
		[
			"compaction frees space by deleting the volume",
			"compaction and by deleting files",
			"fix the compaction by deleting files",
			"now fix kafkas space by deleting files",
			"cleanup should run then delete files",
			"foo should run and delete files",
			"cleanup run and delete files",
			"you and cleanup should run and delete files",
			"cleanup should run and delete the volume",
			"brokers delete the volume",
			"broker delete files",
			"foos delete files",
			"on brokers delete files",
			"if brokers delete files",
			"now see brokers delete files",
		],
		{"order"},
	)
}

test_a_passive_duty_of_software_is_no_order if {
	all_do(["files must be deleted automatically", "files must be deleted by the job", "files must be deleted after a day by gc"], set())
	does("the volume must be deleted by the job") == {"advice"}
	all_do(
		[
			"files must be deleted",
			"the files should be deleted",
			"files must be deleted by you",
			"files must be deleted for the job",
			"files of the job must be deleted",
			"files must be deleted by a b job",
			"volume must be deleted",
		],
		{"order"},
	)
	all_do(["old files should be deleted", "files are to be deleted"], {"advice"})
}

test_words_that_are_no_texts_change_no_mood_and_raise_no_error if {
	every words in [["cleanup", 1, "by", "deleting", "files"], [null, "delete", "files", 1], ["delete", null, "files"], [["or"], "delete", "files"]] {
		orders.found(words, [null], [1]) == {"order"}
	}
}
