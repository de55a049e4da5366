package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The exit codes of checking a package.
const (
	Good      = 0
	Altered   = 1 // changed, or something was added
	Untrusted = 2 // the key, or the head of the log
	Missing   = 3 // a file is not there
)

// Trust is what somebody holds against a package: keys and a head of the log that they got before, by another way.
type Trust struct {
	Keys []ledger.Key // nil: those that the package itself names, which shows only that nothing changed since signing
	Head []byte       // a signed checkpoint; nil: none
}

// Problem is something wrong with a package.
type Problem struct {
	Code int    `json:"code"`
	Path string `json:"path"`
	Text string `json:"problem"`
}

// Report is what checking a package found.
type Report struct {
	Manifest Manifest  `json:"-"`
	Package  string    `json:"package"`
	Root     string    `json:"root"`
	Key      string    `json:"key"`
	Problems []Problem `json:"problems"`
	Notes    []string  `json:"notes"` // what was not checked, and why
}

// Code is the exit code: what was altered weighs more than what is missing, and that more than whom to trust.
func (r Report) Code() int {
	for _, code := range []int{Altered, Missing, Untrusted} {
		if slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Code == code }) {
			return code
		}
	}
	return Good
}

// maxProblems is how many problems a report lists.
const maxProblems = 100

func (r *Report) add(code int, path, format string, args ...any) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{code, path, fmt.Sprintf(format, args...)})
	}
}

// fail adds an error as a problem: with the path that it names, or else this one.
func (r *Report) fail(path string, err error) {
	var named *pathError
	if errors.As(err, &named) && named.path != "" {
		path, err = named.path, named.err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add(Missing, path, "is not there")
	case errors.Is(err, ledger.ErrUntrusted):
		r.add(Untrusted, path, "%v", err)
	default:
		r.add(Altered, path, "%v", err)
	}
}

// VerifyPath opens a package and verifies it. The error is one of reading; what is wrong with the package is in the report.
func VerifyPath(name string, trust Trust) (Report, error) {
	p, err := Open(name)
	if errors.Is(err, posture.ErrInvalid) {
		var r Report
		r.fail(name, err)
		return r, nil
	}
	if err != nil {
		return Report{}, err
	}
	defer p.Close()
	return p.Verify(trust), nil
}

// Verify checks everything that can be checked without a network: that each file is as it was signed and none was added, the root, the
// signature, the log's proofs, that what the files say of each snapshot is what the log has of it, that every result's calls are
// there, and that counts add up.
func (p *Package) Verify(trust Trust) Report {
	var r Report
	data, err := fs.ReadFile(p.fs, ManifestFile)
	if err != nil {
		r.fail(ManifestFile, err)
		return r
	}
	if r.Manifest, err = parseManifest(data); err != nil {
		r.fail(ManifestFile, err)
		return r
	}
	r.Package, r.Root = r.Manifest.ID, r.Manifest.Root
	p.verifyFiles(&r)
	keys := trust.Keys
	if keys == nil {
		r.Notes = append(r.Notes, "no key was given: this shows that nothing changed since signing, not who signed")
		if keys, err = Read[[]ledger.Key](p, KeysFile); err != nil {
			r.fail(KeysFile, err)
		}
	}
	envelope, err := fs.ReadFile(p.fs, EnvelopeFile)
	if err != nil {
		r.fail(EnvelopeFile, err)
	} else if keys != nil {
		key, err := openEnvelope(envelope, data, keys, r.Manifest.Log.At)
		if err != nil {
			r.fail(EnvelopeFile, err)
		}
		r.Key = key.ID
	}
	if code := r.Code(); code == Altered || code == Missing {
		return r // what follows would only say it again
	}
	p.verifyLog(&r, keys, trust.Head)
	p.verifyRows(&r)
	return r
}

// verifyFiles holds the files against the manifest.
func (p *Package) verifyFiles(r *Report) {
	listed := map[string]File{}
	for _, f := range r.Manifest.Files {
		if err := checkPath(f.Path); err != nil {
			r.fail(ManifestFile, err)
			return
		}
		listed[f.Path] = f
	}
	root, err := Root(r.Manifest.Files)
	switch {
	case err != nil:
		r.fail(ManifestFile, err)
	case hex.EncodeToString(root[:]) != r.Manifest.Root || PackageID(root) != r.Manifest.ID:
		r.add(Altered, ManifestFile, "the root is not that of the files it lists")
	}
	err = fs.WalkDir(p.fs, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return &pathError{name, err}
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			r.add(Altered, name, "is not a plain file")
			delete(listed, name)
			return nil
		case name == ManifestFile || name == EnvelopeFile:
			return nil
		}
		f, ok := listed[name]
		if !ok {
			r.add(Altered, name, "was added: the manifest does not list it")
			return nil
		}
		delete(listed, name)
		size, sum, err := p.digest(name)
		switch {
		case err != nil:
			return &pathError{name, err}
		case size != f.Size:
			r.add(Altered, name, "has %d bytes, the manifest says %d", size, f.Size)
		case sum != f.SHA256:
			r.add(Altered, name, "was changed: its SHA-256 is %s, the manifest says %s", sum, f.SHA256)
		}
		return nil
	})
	if err != nil {
		r.fail(".", err)
	}
	for _, f := range r.Manifest.Files {
		if _, missing := listed[f.Path]; missing {
			r.add(Missing, f.Path, "is not there")
		}
	}
}

func (p *Package) digest(name string) (int64, string, error) {
	f, err := p.fs.Open(name)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// verifyLog checks the checkpoint that the package rests on, and that it goes on from the head somebody holds.
func (p *Package) verifyLog(r *Report, keys []ledger.Key, head []byte) {
	note, err := fs.ReadFile(p.fs, CheckpointFile)
	if err != nil {
		r.fail(CheckpointFile, err)
		return
	}
	c, err := ledger.OpenCheckpoint(note, keys)
	if err != nil {
		r.fail(CheckpointFile, err)
		return
	}
	if named := r.Manifest.Log; named != (Checkpoint{c.Origin, c.Size, c.Root.String(), c.At}) {
		r.add(Altered, CheckpointFile, "is not the checkpoint that the manifest names")
		return
	}
	var older *ledger.Checkpoint
	if head != nil {
		held, err := ledger.OpenCheckpoint(head, keys)
		if err != nil {
			r.add(Untrusted, CheckpointFile, "the head that was given: %v", err)
			return
		}
		older = &held
	} else {
		r.Notes = append(r.Notes, "no head of the log was given: an earlier one would show that the log was not written anew")
	}
	found := older != nil && older.Size == c.Size && older.Root == c.Root
	for row, err := range Rows[Consistency](p, ConsistencyFile) {
		if err != nil {
			r.fail(ConsistencyFile, err)
			return
		}
		root, err := tlog.ParseHash(row.Root)
		if err != nil {
			r.fail(ConsistencyFile, err)
			return
		}
		proof, err := hashes(row.Proof)
		if err == nil {
			err = tlog.CheckTree(proof, c.Size, c.Root, row.Size, root)
		}
		if err != nil {
			r.add(Altered, ConsistencyFile, "the log of %d records is not the beginning of that of %d: %v", row.Size, c.Size, err)
		}
		if older != nil && older.Size == row.Size {
			if older.Root != root {
				r.add(Untrusted, CheckpointFile, "the log was written anew: the head that was given has another root for %d records", row.Size)
			}
			found = true
		}
	}
	if older != nil && !found {
		r.add(Untrusted, CheckpointFile, "the head that was given is of %d records: the package shows nothing about that size", older.Size)
	}
}

func hashes(list []string) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(list))
	for i, text := range list {
		var err error
		if out[i], err = tlog.ParseHash(text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// snapshotName names a snapshot within a package.
type snapshotName struct {
	account string
	seq     int64
}

// state is what the rows of a package have to agree on.
type state struct {
	snapshots []Snapshot
	trees     map[snapshotName]*ledger.Tree
	accounts  map[string][]int64   // used snapshots, ascending
	records   map[int64]string     // proved records of the log, by index
	calls     map[snapshotName]int // number of the last
	raw       map[string]bool
	rows      map[string]int
}

// verifyRows holds the rows against each other and against the log.
func (p *Package) verifyRows(r *Report) {
	s := state{trees: map[snapshotName]*ledger.Tree{}, accounts: map[string][]int64{}, records: map[int64]string{}, calls: map[snapshotName]int{},
		raw: map[string]bool{}, rows: map[string]int{}}
	for _, f := range r.Manifest.Files {
		if sum, ok := strings.CutPrefix(f.Path, RawDir); ok {
			s.raw[sum] = true
			if sum != f.SHA256 {
				r.add(Altered, f.Path, "is not the answer with that digest")
			}
		}
	}
	for _, step := range []struct {
		file  string
		check func(*Package, *Report, *state) error
	}{
		{ProofsFile, verifyProofs}, {SnapshotsFile, verifySnapshots}, {CallsFile, verifyCalls}, {CellsFile, verifyCells},
		{ResourcesFile, verifyResources}, {ResultsFile, verifyResults}, {SnapshotsFile, verifyRoots}, {AuditFile, verifyAudit},
	} {
		if err := step.check(p, r, &s); err != nil {
			r.fail(step.file, err)
			return
		}
	}
	for _, f := range r.Manifest.Rows {
		n, counted := s.rows[f.Path]
		if !counted {
			for _, err := range Rows[json.RawMessage](p, f.Path) {
				if err != nil {
					r.fail(f.Path, err)
					return
				}
				n++
			}
		}
		if n != f.Rows {
			r.add(Altered, f.Path, "has %d rows, the manifest says %d", n, f.Rows)
		}
	}
}

func verifyProofs(p *Package, r *Report, s *state) error {
	root, err := tlog.ParseHash(r.Manifest.Log.Root)
	if err != nil {
		return err
	}
	for row, err := range Rows[Proof](p, ProofsFile) {
		if err != nil {
			return err
		}
		proof, err := hashes(row.Proof)
		if err == nil {
			err = tlog.CheckRecord(proof, r.Manifest.Log.Size, root, row.Index, tlog.RecordHash([]byte(row.Record)))
		}
		if err != nil {
			return fmt.Errorf("record %d is not in the log: %w", row.Index, err)
		}
		s.records[row.Index] = row.Record
		s.rows[ProofsFile]++
	}
	return nil
}

func verifySnapshots(p *Package, r *Report, s *state) error {
	for row, err := range Rows[Snapshot](p, SnapshotsFile) {
		if err != nil {
			return err
		}
		record, err := ledger.Record(row.Snapshot)
		if err != nil {
			return err
		}
		if string(record) != s.records[row.LogIndex] {
			return fmt.Errorf("%s is not what the log says of it", row.ID())
		}
		account := row.Account.String()
		if seqs := s.accounts[account]; len(seqs) > 0 && seqs[len(seqs)-1] >= row.Seq {
			return fmt.Errorf("%s is out of order", row.ID())
		}
		s.accounts[account] = append(s.accounts[account], row.Seq)
		s.trees[snapshotName{account, row.Seq}] = &ledger.Tree{}
		s.snapshots = append(s.snapshots, row)
		s.rows[SnapshotsFile]++
	}
	if len(s.snapshots) != r.Manifest.Snapshots {
		return fmt.Errorf("%d snapshots, the manifest says %d", len(s.snapshots), r.Manifest.Snapshots)
	}
	return nil
}

// add adds a leaf to the trees of the snapshots that it holds for.
func (s *state) add(account string, within Snapshots, leaf ledger.Leaf) error {
	used := s.accounts[account]
	from, _ := slices.BinarySearch(used, within[0])
	held := false
	for _, seq := range used[from:] {
		if seq > within[1] {
			break
		}
		held = true
		if err := s.trees[snapshotName{account, seq}].Add(leaf); err != nil {
			return err
		}
	}
	if !held {
		return fmt.Errorf("%w: a row of %s/%d, which the package does not have", posture.ErrInvalid, account, within[0])
	}
	return nil
}

func verifyCalls(p *Package, r *Report, s *state) error {
	var missing error
	for row, err := range Rows[Call](p, CallsFile) {
		if err != nil {
			return err
		}
		name := snapshotName{row.Account, row.Snapshot}
		if s.trees[name] == nil || row.Seq <= s.calls[name] {
			return fmt.Errorf("call %d of %s/%d is out of order", row.Seq, row.Account, row.Snapshot)
		}
		s.calls[name] = row.Seq
		s.rows[CallsFile]++
		if row.Stored != "" && !s.raw[row.Stored] && r.Manifest.Raw == RawWhole {
			missing = cmp.Or(missing, error(&pathError{RawDir + row.Stored, fs.ErrNotExist}))
		}
	}
	return missing
}

// What becomes of raw answers.
const (
	RawWhole     = "whole"
	RawReference = "reference"
)

func verifyCells(p *Package, r *Report, s *state) error {
	for row, err := range Rows[Cell](p, CellsFile) {
		if err != nil {
			return err
		}
		for _, calls := range row.CallSeq {
			if calls[0] < 1 || calls[1] < calls[0] || calls[1] > int64(s.calls[snapshotName{row.Account, row.Snapshot}]) {
				return fmt.Errorf("calls %d to %d of %s/%d are not there", calls[0], calls[1], row.Account, row.Snapshot)
			}
		}
		leaf, err := ledger.CellLeaf(row.Account, row.Cell)
		if err == nil {
			err = s.add(row.Account, Snapshots{row.Snapshot, row.Snapshot}, leaf)
		}
		if err != nil {
			return err
		}
		s.rows[CellsFile]++
	}
	return nil
}

func verifyResources(p *Package, _ *Report, s *state) error {
	for row, err := range Rows[Resource](p, ResourcesFile) {
		if err != nil {
			return err
		}
		sum := sha256.Sum256(row.Document)
		if hex.EncodeToString(sum[:]) != row.SHA256 {
			return fmt.Errorf("the settings of %s %s are not those with the digest beside them", row.Type, row.ID)
		}
		if err := s.add(row.Account, row.Snapshots, ledger.ResourceLeaf(row.Account, posture.Content{Key: row.Key(), Hash: sum})); err != nil {
			return err
		}
		s.rows[ResourcesFile]++
	}
	return nil
}

func verifyResults(p *Package, r *Report, s *state) error {
	var counts Counts
	judged := map[string]int64{}
	for _, snapshot := range s.snapshots {
		if snapshot.Use == UseJudged {
			judged[snapshot.Account.String()] = snapshot.Seq
		}
	}
	for row, err := range Rows[Result](p, ResultsFile) {
		if err != nil {
			return err
		}
		hash, err := ledger.VerdictHash(row.Verdict)
		if err == nil {
			err = s.add(row.Account, row.Snapshots, ledger.VerdictLeaf(row.Account, row.Verdict, hash))
		}
		if err != nil {
			return err
		}
		if seq, ok := judged[row.Account]; ok && row.Snapshots.Holds(seq) {
			counts.Add(row.Result, row.Exception != 0)
		}
		s.rows[ResultsFile]++
	}
	if counts != r.Manifest.Counts {
		return fmt.Errorf("the results count %+v, the manifest says %+v", counts, r.Manifest.Counts)
	}
	return nil
}

func verifyRoots(_ *Package, _ *Report, s *state) error {
	for _, snapshot := range s.snapshots {
		root := s.trees[snapshotName{snapshot.Account.String(), snapshot.Seq}].Root()
		if hex.EncodeToString(root[:]) != snapshot.Root {
			return fmt.Errorf("cells, resources and results of %s are not those that were sealed: their root is %x, the log says %s", snapshot.ID(), root[:], snapshot.Root)
		}
	}
	return nil
}

// verifyAudit checks the chain of the tool's own audit log as far as it is in the package, and that the log has every entry.
func verifyAudit(p *Package, _ *Report, s *state) error {
	previous := ""
	for row, err := range Rows[AuditEntry](p, AuditFile) {
		if err != nil {
			return err
		}
		s.rows[AuditFile]++
		if want := int64(s.rows[AuditFile]); row.Seq != want {
			return fmt.Errorf("entry %d is missing: %d follows", want, row.Seq)
		}
		record, err := ledger.Canonical(map[string]any{"audit": map[string]any{"seq": row.Seq, "digest": row.SHA256}})
		if err != nil {
			return err
		}
		if proved, ok := s.records[row.Index]; ok && proved != string(record) {
			return fmt.Errorf("entry %d is not what the log says of it", row.Seq)
		} else if !ok && row.Entry != nil {
			return fmt.Errorf("entry %d has no proof that it is in the log", row.Seq)
		}
		if row.Entry != nil {
			sum := sha256.Sum256(row.Entry)
			var entry struct {
				Seq      int64  `json:"seq"`
				Previous string `json:"previous"`
			}
			if err := json.Unmarshal(row.Entry, &entry); err != nil || hex.EncodeToString(sum[:]) != row.SHA256 || entry.Seq != row.Seq || entry.Previous != previous {
				return fmt.Errorf("entry %d is not as it was written, or does not follow the one before", row.Seq)
			}
		}
		previous = row.SHA256
	}
	return nil
}

// ParseKeys reads the keys that somebody trusts: a keys.json, the text of one key, or a PEM file.
func ParseKeys(data []byte) ([]ledger.Key, error) {
	var keys []ledger.Key
	if json.Unmarshal(data, &keys) == nil && len(keys) > 0 {
		for _, k := range keys {
			if _, err := ledger.NewKey(k.Text, k.From); err != nil {
				return nil, err
			}
		}
		return keys, nil
	}
	key, err := ledger.NewKey(string(data), ledger.Key{}.From)
	return []ledger.Key{key}, err
}

func encodeHashes(list []tlog.Hash) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = base64.StdEncoding.EncodeToString(list[i][:])
	}
	return out
}

// NewProof writes a proof of the log down.
func NewProof(index int64, record []byte, proof tlog.RecordProof) Proof {
	return Proof{index, string(record), encodeHashes(proof)}
}

// NewConsistency writes a proof of consistency down.
func NewConsistency(size int64, root tlog.Hash, proof tlog.TreeProof) Consistency {
	return Consistency{size, root.String(), encodeHashes(proof)}
}
