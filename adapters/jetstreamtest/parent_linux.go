package jetstreamtest

import "syscall"

// dieWithParent has the system end the server when this process ends, however
// it ends.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
