// Package azurite holds what is needed to install and configure Microsoft's emulators: the npm package that pins
// Azurite. It contains no behaviour; pkg/localazure installs and starts what is named here.
package azurite

import "embed"

// Package is the npm package that `npm ci` turns into an installation of Azurite: package.json names the version,
// package-lock.json pins every dependency by its hash.
//
//go:embed .npmrc package.json package-lock.json stop-with-parent.cjs absent
var Package embed.FS

// StopWithParent is the file in Package that Node.js loads before Azurite. It ends Azurite, saving its data, when its
// standard input ends.
const StopWithParent = "stop-with-parent.cjs"

// EntryPoint is the program to run in an installation of Package; the path is relative to the installation.
const EntryPoint = "node_modules/azurite/dist/src/azurite.js"
