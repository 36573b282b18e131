// Package browsertest gives tests what the callers of asyncreply have: a
// Chromium that is driven from Go, a Node.js with the packages that npm/
// pins, and the whole system, as `make run` starts it.
//
// A package whose tests use it has
//
//	func TestMain(m *testing.M) { browsertest.Main(m) }
//
// What is missing on the machine is installed where that may be done: npm's
// packages into the user's cache folder, Chromium by apt-get for root on
// Debian. Else the test fails with one line that says what to install.
package browsertest
