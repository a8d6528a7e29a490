# METADATA
# title: A namespace has at least the level of every environment that contains it.
package sre_dispatch.rules.environment_test

import data.sre_dispatch.rules.environment
import future.keywords.not

config := {"environments": {
	"production": {"namespaces": ["prod", "*-prod"], "level": "MEDIUM"},
	"payments": {"namespaces": ["pay-*"], "level": "HIGH"},
}}

medium := {"code": "environment", "level": "MEDIUM"}

high := {"code": "environment", "level": "HIGH"}

found(namespace) := answer if {
	answer := environment with data.config.environment as config with input as {"event": {"namespace": namespace}}
}

given(reasons) := {"ready": true, "contributions": reasons}

test_a_namespace_takes_its_environments_level if {
	found("prod") == given({medium})
	found("shop-prod") == given({medium})
	found("pay-test") == given({high})
	found("pay-prod") == given({medium, high})
}

test_the_environment_of_whoever_tells_counts_too if {
	told := {"namespace": "shop", "namespaces": ["shop", "pay-test"]}
	environment == given({high}) with data.config.environment as config with input as {"event": told}
}

test_another_namespace_gives_no_reason if {
	every namespace in ["shop", "prod-2", "production", "Prod", "shop-prod-2", "pay", null, 1, ["prod"]] {
		found(namespace) == given(set())
	}
	every document in [{}, {"event": null}, {"event": {}}] {
		environment == given(set()) with input as document with data.config.environment as config
	}
}

test_what_is_in_no_namespace_is_in_no_environment if {
	everything := {"environments": {"all": {"namespaces": ["*", ""], "level": "HIGH"}}}
	environment == given(set()) with data.config.environment as everything with input as {"event": {"namespace": ""}}
	environment == given({high}) with data.config.environment as everything with input as {"event": {"namespace": "a"}}
}

test_an_empty_map_is_ready_and_silent if {
	environment == given(set()) with data.config.environment as {"environments": {}}
		with input as {"event": {"namespace": "prod"}}
}

test_a_missing_or_mistyped_map_is_not_ready if {
	every unusable in [
		{},
		null,
		{"environments": null},
		{"environments": [config.environments.production]},
		{"environments": {"production": null}},
		{"environments": {"production": {"namespaces": ["prod"]}}},
		{"environments": {"production": {"level": "MEDIUM"}}},
		{"environments": {"production": {"namespaces": ["prod"], "level": "LOW"}}},
		{"environments": {"production": {"namespaces": ["prod"], "level": "CRITICAL"}}},
		{"environments": {"production": {"namespaces": ["prod"], "level": null}}},
		{"environments": {"production": {"namespaces": "prod", "level": "MEDIUM"}}},
		{"environments": {"production": {"namespaces": ["prod", 1], "level": "MEDIUM"}}},
	] {
		environment == {"contributions": set()} with data.config.environment as unusable
			with input as {"event": {"namespace": "prod"}}
	}
}

test_the_shipped_map_knows_production if {
	every namespace in ["prod", "prod-eu", "shop-prod", "shop-prod-eu", "production", "production-eu", "shop-production"] {
		environment == given({medium}) with input as {"event": {"namespace": namespace}}
	}
	every namespace in ["f3iai", "shop", "product", "products-test", "reproduction", "prodigy"] {
		environment == given(set()) with input as {"event": {"namespace": namespace}}
	}
}
