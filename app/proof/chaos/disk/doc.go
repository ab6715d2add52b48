// Package disk is a file system in memory that loses its power: what was not flushed
// is gone. Tests run SQLite, PostgreSQL and NATS servers on it, by FUSE, and cut.
//
// What it holds to be flushed is what POSIX promises, and no more:
//
//   - the bytes and the size of a file at its last fsync (fdatasync is one);
//   - the names in a folder, at the folder's own last fsync. So a new file that was
//     flushed is lost where its folder was not, a rename may have happened in one of
//     two folders, and a removed file comes back.
//
// ext4, XFS and Btrfs are kinder. Whoever flushes a new file there finds it after a cut,
// and all folders above it, because names are in a journal that is flushed in its order.
// [NewJournaled] makes such a disk, for programs that rely on it.
//
// Modes, owners and times are always kept, and there are no links.
//
// A cut either forgets all that was not flushed, or, as [Some], keeps parts that a disk
// might have written by itself: any sectors of 512 bytes of what was written, so that
// pages are torn, the old size or the new one, and changes of names up to some moment.
//
// It can also be full: then nothing that needs another page is written.
package disk
