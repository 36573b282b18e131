// Package localazuretest gives tests the real services of package localazure.
//
// All tests of a package share one Azurite, which the first call of Storage starts; Name gives each test names of its
// own in it, so that tests run in parallel. A package whose tests use it has
//
//	func TestMain(m *testing.M) { localazuretest.Main(m) }
//
// Two environment variables change where the services are found: with ASYNCREPLY_TEST_STORAGE, a connection string,
// Storage starts nothing and uses that account, so that packages can share one Azurite; ASYNCREPLY_CACHE is the folder
// that Azurite is installed in.
package localazuretest
