//go:build race

package main

// raceDetector says whether the services are to be built with it: as this test
// was.
const raceDetector = true
