package check

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// instruction is one line of the Dockerfile, continued lines joined.
type instruction struct{ name, rest string }

func dockerfile(t *testing.T) []instruction {
	t.Helper()
	var out []instruction
	text := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(string(read(t, "Dockerfile")), "")
	for _, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		out = append(out, instruction{name, strings.TrimSpace(rest)})
	}
	return out
}

// ignored says what .dockerignore keeps out of the build: everything but the names that it lets in.
func ignored(t *testing.T) func(name string) bool {
	t.Helper()
	lines := strings.Fields(string(read(t, ".dockerignore")))
	if lines[0] != "*" {
		t.Fatal(".dockerignore lets in what it does not name")
	}
	return func(name string) bool { return !slices.Contains(lines[1:], "!"+name) }
}

// TestImage does what the Dockerfile says in a temporary folder, and looks at the file system that comes of it. -trimpath is left out, so
// that what other tests compiled serves here too.
func TestImage(t *testing.T) {
	work := t.TempDir()
	place := func(path string) string { return filepath.Join(work, path) }
	inside := regexp.MustCompile(`(^|[\s"=])/(out|src)\b`)
	local := func(command string) string { return inside.ReplaceAllString(command, "${1}"+work+"/$2") }
	prelude := "set -e\n"
	if os.Geteuid() != 0 {
		prelude += "chown() { :; }\n"
	}
	directory, environment, stage := "/", os.Environ(), 0
	arguments := map[string]string{}
	final := map[string]string{}
	kept := ignored(t)
	for _, i := range dockerfile(t) {
		switch i.name {
		case "FROM":
			stage++
			directory = "/"
			if stage == 2 && i.rest != "scratch" {
				t.Errorf("the image begins with %s, want nothing", i.rest)
			}
		case "WORKDIR":
			directory = i.rest
			if err := os.MkdirAll(place(directory), 0o755); err != nil {
				t.Fatal(err)
			}
		case "ARG":
			name, value, _ := strings.Cut(i.rest, "=")
			arguments[name] = value
			environment = append(environment, name+"="+value)
		case "ENV":
			for _, pair := range strings.Fields(i.rest) {
				if stage == 1 {
					environment = append(environment, pair)
				} else {
					name, value, _ := strings.Cut(pair, "=")
					final[name] = value
				}
			}
		case "COPY":
			words := strings.Fields(i.rest)
			if stage == 2 {
				if i.rest != "--from=build /out/ /" {
					t.Errorf("COPY %s: want the whole of /out", i.rest)
				}
				continue
			}
			from, to := words[:len(words)-1], place(filepath.Join(directory, words[len(words)-1]))
			if slices.Equal(from, []string{"."}) {
				entries, err := os.ReadDir(root())
				if err != nil {
					t.Fatal(err)
				}
				from = nil
				for _, e := range entries {
					if !kept(e.Name()) {
						from = append(from, e.Name())
					}
				}
			}
			for _, name := range from {
				if kept(name) {
					t.Fatalf("COPY %s: .dockerignore leaves it out", name)
				}
				if out, err := exec.Command("cp", "-r", filepath.Join(root(), name), to+"/").CombinedOutput(); err != nil {
					t.Fatalf("COPY %s: %v\n%s", name, err, out)
				}
			}
		case "RUN":
			command := exec.Command("sh", "-c", prelude+strings.Replace(local(i.rest), " -trimpath", "", 1))
			command.Dir, command.Env = place(directory), environment
			if out, err := command.CombinedOutput(); err != nil {
				t.Fatalf("RUN %s: %v\n%s", i.rest, err, out)
			}
		case "USER":
			final["user"] = i.rest
		case "ENTRYPOINT", "CMD":
			final[i.name] = i.rest
		case "LABEL", "VOLUME", "EXPOSE":
		default:
			t.Fatalf("%s is not known here", i.name)
		}
	}
	if arguments["VERSION"] == "" || final["user"] != "65532:65532" || final["ENTRYPOINT"] != `["plumbline"]` || final["CMD"] != `["serve"]` {
		t.Errorf("arguments %v; the image has %v", arguments, final)
	}
	lookAtImage(t, place("out"), final)
}

func lookAtImage(t *testing.T, image string, environment map[string]string) {
	t.Helper()
	var files []string
	if err := filepath.WalkDir(image, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name := strings.TrimPrefix(path, image)
			files = append(files, name)
			info, err := e.Info()
			if err != nil {
				return err
			}
			if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSymlink) != 0 || info.Mode().Perm()&0o022 != 0 {
				t.Errorf("%s has mode %v", name, info.Mode())
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/LICENSE", "/etc/group", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/usr/local/bin/plumbline", "/usr/local/bin/plumbline-verify", "/usr/share/zoneinfo.zip"}; !slices.Equal(files, want) {
		t.Errorf("the image holds %v, want %v", files, want)
	}
	for _, name := range []string{"plumbline", "plumbline-verify"} {
		binary, err := elf.Open(filepath.Join(image, "usr/local/bin", name))
		if err != nil {
			t.Fatal(err)
		}
		if libraries, err := binary.ImportedLibraries(); err != nil || len(libraries) > 0 || slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
			t.Errorf("%s needs %v, %v: not static", name, libraries, err)
		}
		binary.Close()
	}
	if os.Geteuid() != 0 {
		t.Log("not root: the program is not run inside the image")
		return
	}
	const settings = "connections: [{name: google, gcp: {organization: \"123456789012\"}}]\nschedules: [{name: nightly, cron: 0 3 * * *, time_zone: Europe/Paris, connections: [google]}]\n"
	if err := os.WriteFile(filepath.Join(image, "tmp", "plumbline.yaml"), []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range append([]string{image}, parents(image)...) { // temporary folders are closed to others
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"plumbline version":                          {0, "dev"},
		"plumbline config check /tmp/plumbline.yaml": {0, "as they should be"}, // it knows time zones
		"plumbline health":                           {1, "not healthy"},
		"plumbline-verify":                           {4, "usage:"},
	} {
		words := strings.Fields(args)
		var out bytes.Buffer
		command := exec.Command("/usr/local/bin/" + words[0])
		command.Args, command.Dir, command.Stdout, command.Stderr = words, "/", &out, &out
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: image, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		command.Env = []string{}
		for name, value := range environment {
			command.Env = append(command.Env, name+"="+value)
		}
		_ = command.Run()
		if code := command.ProcessState.ExitCode(); code != want.code || !strings.Contains(strings.ToLower(out.String()), want.text) {
			t.Errorf("%s: exit code %d, want %d with %q\n%s", args, code, want.code, want.text, out.String())
		}
	}
}

// parents are the folders above a path, up to the folder for temporary files.
func parents(path string) (out []string) {
	for p := filepath.Dir(path); p != os.TempDir() && len(p) > 1; p = filepath.Dir(p) {
		out = append(out, p)
	}
	return out
}
