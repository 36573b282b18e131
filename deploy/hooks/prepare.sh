#!/bin/sh
# Makes what the deployment needs before it begins: the foundations, the ticket
# keys unless there are some, and the image unless it is there. azd runs it
# before it provisions; it can be run by hand, and again at any time:
#
#   AZURE_ENV_NAME=prod AZURE_LOCATION=westeurope deploy/hooks/prepare.sh
#
# It needs the Azure CLI, signed in. The image is built on Azure, from this
# folder. Set IMAGE to deploy an image that exists in the deployment's registry.
set -eu
cd "$(dirname "$0")/../.."
: "${AZURE_ENV_NAME:?is not set}" "${AZURE_LOCATION:?is not set}"
: "${AUTH_MODE:?is not set: none lets everybody call, entra asks for access tokens; see docs/authentication.md}"
group="rg-$AZURE_ENV_NAME"
if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then
	az account set --subscription "$AZURE_SUBSCRIPTION_ID"
fi

# Keys are made once. Whatever keeps us from seeing whether there are some ends
# this: keys that replaced others would make all pending jobs unknown.
stored=0
if [ "$(az group exists --name "$group")" = true ]; then
	vault=$(az keyvault list --resource-group "$group" --query '[0].id' --output tsv)
	if [ -n "$vault" ]; then
		stored=$(az rest --method get --url "$vault/secrets?api-version=2024-11-01" \
			--query "length(value[?name=='ticket-keys'])" --output tsv)
	fi
fi
case "$stored" in
0) keys=$(openssl rand -base64 32) ;;
[1-9]*) keys= ;;
*)
	echo "prepare: cannot tell whether there are ticket keys: $stored" >&2
	exit 1
	;;
esac

# The keys go by a file, since arguments can be read by others on the machine.
parameters=$(mktemp)
trap 'rm -f "$parameters"' EXIT
cat >"$parameters" <<JSON
{
  "\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "environmentName": { "value": "$AZURE_ENV_NAME" },
    "location": { "value": "$AZURE_LOCATION" },
    "ticketKeys": { "value": "$keys" },
    "privateNetwork": { "value": ${PRIVATE_NETWORK:-false} },
    "logRetentionDays": { "value": ${LOG_RETENTION_DAYS:-30} },
    "alertEmail": { "value": "${ALERT_EMAIL:-}" }
  }
}
JSON
deployment="asyncreply-foundations-$AZURE_ENV_NAME"
az deployment sub create --only-show-errors --output none --name "$deployment" \
	--location "$AZURE_LOCATION" --template-file deploy/foundations.bicep --parameters "@$parameters"
output() {
	az deployment sub show --name "$deployment" --query "properties.outputs.$1.value" --output tsv
}
registry=$(output registryName)
server=$(output registryServer)

# The image is named after the version. One of a changed tree has no version of
# its own, and is built each time.
version=$(git describe --tags --always --dirty 2>/dev/null || echo "unversioned-$(date -u +%Y%m%d%H%M%S)")
case "$version" in
*-dirty) version="$version-$(date -u +%Y%m%d%H%M%S)" ;;
esac
case "${IMAGE:-}" in
"" | "$server/asyncreply:"*)
	tags=$(az acr repository list --name "$registry" --query "[?@=='asyncreply']" --output tsv)
	if [ -n "$tags" ]; then
		tags=$(az acr repository show-tags --name "$registry" --repository asyncreply \
			--query "[?@=='$version']" --output tsv)
	fi
	if [ -z "$tags" ]; then
		az acr build --registry "$registry" --image "asyncreply:$version" --build-arg "VERSION=$version" .
	fi
	image="$server/asyncreply:$version"
	;;
*) image=$IMAGE ;;
esac

if command -v azd >/dev/null; then
	azd env set IMAGE "$image"
fi
echo "prepare: the image is $image"
