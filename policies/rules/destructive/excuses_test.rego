# METADATA
# title: A report and a warning are told from an order by the words around the verb.
package sre_dispatch.rules.destructive.excuses_test

import data.sre_dispatch.rules.destructive.excuses
import future.keywords.not

# The verb of these sentences is "delete".
excused(words) if {
	sentence := split(words, " ")
	some place
	sentence[place] == "delete"
	excuses.excused(sentence, excuses.description(sentence), place)
}

all_excused(lists) if {
	every words in lists {
		excused(words)
	}
}

none_excused(lists) if {
	every words in lists {
		not excused(words)
	}
}

test_a_negation_before_the_verb_excuses_it if {
	all_excused(["never delete", "cannot delete x", "it does not delete", "do not delete x"])
	none_excused(["delete", "never x delete", "delete never", "delete x not"])
}

test_some_words_can_stand_between_a_negation_and_the_verb if {
	all_excused([
		"never run delete",
		"do not use the command delete",
		"never run kubectl delete",
		"never run curl -x delete",
		"do not ever run kubectl delete",
		"never --force delete",
		"never wipe or delete",
		"not to delete",
		"never run run run run run run run delete",
	])
	none_excused([
		"never stay and delete",
		"not x run delete",
		"not run x delete",
		"not run run run x run run run delete",
		"never run run run run run run run run delete",
		"do not hesitate to delete",
	])
}

test_a_tool_that_is_negated_negates_its_verb if {
	all_excused(["never run kubectl -n shop delete x", "do not helm x y delete z", "never run kubectl -n shop delete x but see"])
	none_excused([
		"never x kubectl -n shop delete x",
		"never run kubectl apply but delete x",
		"never run kubectl -n shop apply helm -n shop delete x",
		"never run x -n shop delete",
		"see x -n kubectl delete",
	])
	excused("never run and x then never run kubectl -n shop delete")
}

test_behind_a_supposition_only_the_next_word_is_negated if {
	none_excused(["if it does not run delete x", "when it cannot run kubectl delete x", "if it is not kubectl -n shop delete x"])
	all_excused(["if it does not delete x", "it does not run delete if x"])
}

test_a_negation_that_is_turned_round_excuses_nothing if {
	none_excused(["why not delete x", "never not delete x", "no reason not run delete"])
}

test_the_second_word_of_a_pair_negates if {
	all_excused(["instead of delete", "rather than delete", "without running kubectl delete", "no one may delete"])
	none_excused(["all of delete", "other than x delete", "is running kubectl delete", "one may delete"])
}

test_an_attempt_excuses_the_verb if {
	all_excused(["it failed to delete x", "unable to delete x", "it failed to run delete"])
	none_excused(["free to delete", "failed delete", "do not fail to delete x", "failed to x delete"])
}

test_what_need_not_be_done_is_excused if {
	all_excused(["no need to delete x", "not allowed to delete x", "nobody is allowed to delete x"])
	none_excused(["we need to delete x", "not now in need to delete", "not need delete"])
}

test_a_report_behind_the_verb_excuses_it if {
	all_excused(["delete failed", "the delete took 3s", "delete timed out"])
	none_excused(["delete x failed", "failed delete", "delete is"])
}

test_failed_is_a_report_unless_it_describes_the_object if {
	all_excused(["delete failed for x", "delete failed again", "delete failed because x", "delete failed so x", "delete failed 3 times"])
	none_excused(["delete failed volumes", "delete failing x for y"])
}

test_a_noun_behind_the_verb_excuses_it_if_the_sentence_goes_on if {
	all_excused(["delete operations are slow", "delete errors above 5"])
	none_excused(["delete errors", "delete operations now", "delete x are slow"])
}

test_a_state_behind_the_verb_excuses_it if {
	all_excused(["delete has not run", "delete is stuck", "delete must not be run", "delete is 9 days old", "delete exited with 1"])
	none_excused(["delete is x", "delete stuck", "delete x is stuck", "delete is", "delete 9 days", "delete is ten"])
}

test_a_ban_soon_behind_the_verb_excuses_it if {
	all_excused([
		"delete x is forbidden",
		"delete x was denied",
		"delete x has been blocked",
		"delete x y is not allowed",
		"delete x must never be run",
		"delete a b c must not be used",
	])
	none_excused([
		"delete x is not forbidden",
		"delete a b c d e is forbidden",
		"delete a b c d must not be used",
		"delete x must be run",
		"delete x must not be forgotten",
		"forbidden to x delete",
		"x is forbidden so delete y",
	])
}

test_a_flag_begins_with_a_hyphen if {
	every word in ["-n", "--all", "-"] {
		excuses.flag(word)
	}
	every word in ["n", ".", "", "a-b", null, 1, ["-n"]] {
		not excuses.flag(word)
	}
}

test_a_number_begins_with_a_digit if {
	every word in ["0", "9d", "7-up"] {
		excuses.number(word)
	}
	every word in ["d9", "/1", ":", "", null, 1, ["1"]] {
		not excuses.number(word)
	}
}

test_words_that_are_no_texts_excuse_nothing_and_raise_no_error if {
	every sentence in [["delete", null, 1], [null, "delete"], [1, ["never"], "delete", ["is"], "stuck"], [["kubectl"], "delete"]] {
		some place in [0, 1, 2]
		sentence[place] == "delete"
		not excuses.excused(sentence, excuses.description(sentence), place)
	}
}
