//go:build !race

package contract

// underRace: the race detector watches.
const underRace = false
