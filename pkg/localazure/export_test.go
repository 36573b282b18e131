package localazure

// InstallationName is the folder that Azurite is installed in, below the cache folder.
var InstallationName = installationName
