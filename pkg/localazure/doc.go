// Package localazure runs the two Azure services that asyncreply stands on, on one machine and without an account:
// Azure Storage, by Microsoft's Azurite, and Azure Service Bus, by the broker in pkg/emulator.
//
// Start starts both, StartAzurite and StartBroker one of them. Each returns when the service answers, listens on
// 127.0.0.1 only, on ports that were free unless some are asked for, and is gone when Close returns. Azurite is a
// child process: it also ends by itself when the process that started it dies, however that dies. The broker lives in
// the calling process.
//
// Azurite needs Node.js. The first use installs it from the npm registry into a cache folder (about 60 MB, in some ten
// seconds); later uses need no network. Processes that do this at the same time wait for each other and share one
// installation.
//
// The account name and key are the published ones of every Azurite, so anything on the machine may read what is kept
// here: it is for tests and development only.
package localazure
