// The stock alerts of kube-prometheus-stack, for the policy to judge. The module holds Helm charts and no Go.
module sre-dispatch/tests/real/tools/charts

go 1.26.0

require github.com/prometheus-community/helm-charts v0.0.0-20260828105119-ed5d7d9b5933
