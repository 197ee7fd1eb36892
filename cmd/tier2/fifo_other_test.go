//go:build !linux

package main

import "testing"

// fifo returns no FIFO on this system.
func fifo(*testing.T, string) map[string]bool { return nil }
