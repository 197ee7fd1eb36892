package repository

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks, when all tests have ended, whether a goroutine goes on.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
