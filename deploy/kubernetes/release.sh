#!/usr/bin/env bash
# Bring an overlay to a cluster: the schema first, then what reads it; ends when the new pods are up.
#   deploy/kubernetes/release.sh staging
set -euo pipefail
overlay=${1:?name an overlay: staging or production}
cd "$(dirname "$0")/overlays/$overlay"
namespace=orchestration-$overlay
manifests=$(mktemp)
trap 'rm -f "$manifests"' EXIT
kubectl kustomize . >"$manifests"

# A job cannot be changed, only made again. The versions that run go on meanwhile.
kubectl --namespace "$namespace" delete job orchestration-migrate --ignore-not-found
kubectl apply --filename "$manifests"
kubectl --namespace "$namespace" wait --for=condition=complete --timeout=30m job/orchestration-migrate
# Pods read their settings when they start.
kubectl --namespace "$namespace" rollout restart deployment
for name in code webserver daemon api; do
    kubectl --namespace "$namespace" rollout status --timeout=15m "deployment/orchestration-$name"
done
