package sqlite

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestRefuseNetwork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		magic uint32
		err   error
		says  string // "" if the folder is accepted
	}{
		"ext4": {magic: unix.EXT4_SUPER_MAGIC}, "tmpfs": {magic: unix.TMPFS_MAGIC}, "overlay": {magic: unix.OVERLAYFS_SUPER_MAGIC},
		"9p": {magic: unix.V9FS_MAGIC}, "FUSE": {magic: unix.FUSE_SUPER_MAGIC},
		"NFS": {magic: 0x6969, says: "NFS"}, "SMB": {magic: 0x517b, says: "SMB"}, "CIFS": {magic: 0xff534d42, says: "CIFS"}, "SMB2": {magic: 0xfe534d42, says: "SMB2"},
		"Ceph": {magic: 0xc36400, says: "Ceph"}, "Unknown": {magic: 0x6969, err: errors.New("not implemented")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			interrupted := false
			err := refuseNetwork("/data", func(dir string, fs *unix.Statfs_t) error {
				assert.Equal(t, "/data", dir)
				if !interrupted {
					interrupted = true
					return unix.EINTR
				}
				set(&fs.Type, tt.magic)
				return tt.err
			})
			if tt.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, models.ErrInvalid)
			assert.ErrorContains(t, err, "network file system ("+tt.says+")")
		})
	}
	require.NoError(t, checkFileSystem(t.TempDir()))
}

// set assigns a field whose type differs between platforms.
func set[T int32 | int64 | uint32](field *T, v uint32) { *field = T(v) }
