// Package newfile creates files and folders that get their name once they are complete. It
// never overwrites anything. On any error nothing is created under the name and temporary
// files are removed; a process that is killed meanwhile leaves NAME.*.tmp.
package newfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Make creates a file (0600) with the content that write writes to f, flushed to the disk,
// and missing folders (0700). models.ErrConflict if path exists.
func Make(path string, write func(f *os.File) error) error {
	return in(path, func(folder, pattern string) error {
		f, err := os.CreateTemp(folder, pattern) // 0600
		if err != nil {
			return err
		}
		defer func() { _, _ = f.Close(), os.Remove(f.Name()) }() // closed and renamed already, or another error counts
		if err := write(f); err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		return publish(f.Name(), path)
	})
}

// MakeFolder creates a folder (0700) as Make creates a file. fill creates the files in dir
// with Make.
func MakeFolder(path string, fill func(dir string) error) error {
	return in(path, func(folder, pattern string) error {
		dir, err := os.MkdirTemp(folder, pattern) // 0700
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // renamed already, or another error counts
		if err := fill(dir); err != nil {
			return err
		}
		if _, err := os.Lstat(path); err == nil { // os.Rename would replace an empty folder
			return taken(fs.ErrExist)
		}
		return os.Rename(dir, path)
	})
}

// Free returns models.ErrConflict if path exists.
func Free(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return refuse.Value(models.ErrConflict, path, "exists already, and is not overwritten")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// in creates the folder of a path, and removes it again if create fails.
func in(path string, create func(folder, pattern string) error) (err error) {
	if err := Free(path); err != nil {
		return err
	}
	folder := filepath.Dir(path)
	made := MissingFolders(folder)
	defer func() {
		if err != nil {
			for _, dir := range made {
				_ = os.Remove(dir) // fails if another process uses the folder
			}
		}
	}()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make its folder: %w", err)
	}
	if err := create(folder, filepath.Base(path)+".*.tmp"); err != nil {
		return err
	}
	if err := syncFolder(folder); err != nil {
		return errors.Join(err, os.RemoveAll(path))
	}
	return nil
}

// MissingFolders returns the folders on the path to dir that do not exist, deepest first.
func MissingFolders(dir string) []string {
	var missing []string
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append(missing, dir)
		dir = filepath.Dir(dir)
	}
}

// publish renames a file, unless the new name exists.
func publish(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) { // a file system without hard links: reserve the name first
		var f *os.File
		if f, err = os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
			if err = errors.Join(f.Close(), os.Rename(from, to)); err != nil {
				err = errors.Join(err, os.Remove(to))
			}
			return err
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return taken(err)
	}
	return err
}

func taken(err error) error {
	return &models.Error{Reason: "another file got this name meanwhile", Kind: models.ErrConflict, Err: err}
}

// syncFolder makes a new name survive a power loss. Windows neither can nor needs to.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
