//go:build race

package contract

// underRace: the race detector watches, which takes ten times as long.
const underRace = true
