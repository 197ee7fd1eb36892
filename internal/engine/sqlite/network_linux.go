package sqlite

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// network are the file systems that several hosts may share, by the number that statfs
// gives them.
var network = map[uint32]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS", unix.SMB2_SUPER_MAGIC: "SMB2",
	unix.AFS_SUPER_MAGIC: "AFS", unix.AFS_FS_MAGIC: "AFS", unix.CEPH_SUPER_MAGIC: "Ceph", unix.CODA_SUPER_MAGIC: "Coda", unix.NCP_SUPER_MAGIC: "NCP",
}

// refuseNetwork refuses a folder on a network file system. With a WAL all programs must
// share memory, so be on one host (https://www.sqlite.org/wal.html); and where locks do
// not work either, the file is damaged before anyone sees an error. statfs is
// unix.Statfs; what it cannot say is no reason to refuse.
func refuseNetwork(dir string, statfs func(string, *unix.Statfs_t) error) error {
	var fs unix.Statfs_t
	err := statfs(dir, &fs)
	for errors.Is(err, syscall.EINTR) {
		err = statfs(dir, &fs)
	}
	name, ok := network[uint32(fs.Type)]
	if err != nil || !ok {
		return nil
	}
	return &models.Error{
		Kind: models.ErrInvalid, Value: dir,
		Reason: fmt.Sprintf("is on a network file system (%s), where SQLite's WAL cannot work: use a local disk, or PostgreSQL", name),
	}
}

// checkFileSystem refuses a folder where no database can be kept.
func checkFileSystem(dir string) error { return refuseNetwork(dir, unix.Statfs) }
