//go:build race

package contract

// underRace reports that the race detector is on, which makes tests ten times slower.
const underRace = true
