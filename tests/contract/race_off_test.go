//go:build !race

package contract

// underRace reports that the race detector is on.
const underRace = false
