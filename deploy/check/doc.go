// Package check reads Bicep files and says what is wrong with them, as far as
// can be known without Azure: syntax, symbols, types of expressions, modules'
// parameters and outputs, and each resource against Azure's own description of
// its type, which lies in the folder types.
//
// It knows the part of the language that this project's files use, and takes
// everything else for a mistake. The language is described at
// https://learn.microsoft.com/azure/azure-resource-manager/bicep/file.
//
// [Load] reads a folder and gives its mistakes. [Evaluate] works the files out
// for given parameters, so that tests can look at what would be deployed.
package check
