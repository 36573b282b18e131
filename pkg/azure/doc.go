// Package azure turns the environment into clients of Azure's SDKs.
//
// [ServiceBus] and [Storage] are parts of a program's configuration: structs
// with the tags of github.com/caarlos0/env, to be embedded in its own. Their
// Check methods give one line for each wrong setting and never show a secret.
//
// With a connection string, clients use its key; that is how Azurite and the
// local broker are reached. Without one they use Entra credentials, found as
// azidentity's DefaultAzureCredential does: a managed identity on Azure, the
// Azure CLI's account on a laptop.
package azure
