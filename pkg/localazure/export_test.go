package localazure

// PID returns the id of Azurite's process.
func (a *Azurite) PID() int { return a.process.cmd.Process.Pid }

// InstallationName is the folder that Azurite is installed in, below the cache folder.
var InstallationName = installationName
