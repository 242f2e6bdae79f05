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
ended=
for _ in $(seq 900); do
    ended=$(kubectl --namespace "$namespace" get job orchestration-migrate \
        --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
    [ -z "$ended" ] || break
    sleep 2
done
# A job that failed was also marked so beforehand, as FailureTarget; a newer cluster marks success so, too.
if [[ $ended != *Complete* ]]; then
    kubectl --namespace "$namespace" logs job/orchestration-migrate --tail=20 || true
    echo "The migration has not succeeded within half an hour (${ended:-still running}); nothing was restarted" >&2
    exit 1
fi
# Pods read their settings when they start.
kubectl --namespace "$namespace" rollout restart deployment
for name in code webserver daemon api; do
    kubectl --namespace "$namespace" rollout status --timeout=15m "deployment/orchestration-$name"
done
