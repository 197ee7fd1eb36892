package sqlite

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// network maps the type in statfs to the name of a file system that several hosts may share.
var network = map[uint32]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS", unix.SMB2_SUPER_MAGIC: "SMB2",
	unix.AFS_SUPER_MAGIC: "AFS", unix.AFS_FS_MAGIC: "AFS", unix.CEPH_SUPER_MAGIC: "Ceph", unix.CODA_SUPER_MAGIC: "Coda", unix.NCP_SUPER_MAGIC: "NCP",
}

// refuseNetwork rejects a folder on a network file system. A WAL needs memory that all
// programs share, so all must run on one host (https://www.sqlite.org/wal.html). Without
// working locks the file is damaged before any error. An error of statfs, which is
// unix.Statfs, is ignored.
func refuseNetwork(dir string, statfs func(string, *unix.Statfs_t) error) error {
	var fs unix.Statfs_t
	err := statfs(dir, &fs)
	for errors.Is(err, syscall.EINTR) {
		err = statfs(dir, &fs)
	}
	name, ok := network[uint32(fs.Type)]
	if err == nil && ok {
		return refuse.Value(models.ErrInvalid, dir,
			"is on a network file system ("+name+"), where SQLite's WAL cannot work: use a local disk, or PostgreSQL")
	}
	return nil
}

// checkFileSystem rejects a folder whose file system cannot hold a database.
func checkFileSystem(dir string) error { return refuseNetwork(dir, unix.Statfs) }
