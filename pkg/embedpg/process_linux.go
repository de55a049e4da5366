package embedpg

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// attributes makes a child of its own process group (Ctrl-C in the terminal is ours to handle), of the user that u names,
// which the kernel ends when the parent dies, however that happens.
func attributes(u *owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: u.credential(), Pdeathsig: syscall.SIGINT}
}

// isPostgres reports whether the process is a living PostgreSQL server: neither a program that got a dead server's number,
// nor a dead one that nobody collects, as in containers without an init.
func isPostgres(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // "17 (postgres) S …"
	_, rest, ok := strings.Cut(string(stat), " (postgres) ")
	return err == nil && ok && !strings.HasPrefix(rest, "Z")
}
