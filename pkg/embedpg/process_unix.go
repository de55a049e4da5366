//go:build unix && !linux

package embedpg

import "syscall"

// attributes makes a child of its own process group, of the user that u names.
func attributes(u *owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: u.credential()}
}

// isPostgres takes every living process for a server: nothing portable tells.
func isPostgres(int) bool { return true }
