package store

import (
	"context"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// LastKnown returns, by rule and resource, the newest verdicts up to snapshot seq that are not unknown, of those pairs whose
// verdict at seq is unknown.
func (s *Store) LastKnown(ctx context.Context, account string, seq int64) ([]posture.Verdict, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT DISTINCT ON (k.type, k.region, k.id, k.rule_id)
			k.type, k.region, k.id, k.rule_id, k.rule_version, k.result, k.reason, k.unread
		FROM verdict_versions u
		JOIN verdict_versions k USING (account, type, region, id, rule_id)
		WHERE u.account = $1 AND u.result = 'unknown' AND u.valid_from <= $2 AND (u.valid_to IS NULL OR u.valid_to > $2)
			AND k.result <> 'unknown' AND k.valid_from <= $2
		ORDER BY k.type, k.region, k.id, k.rule_id, k.valid_from DESC`, account, seq)
	return read(rows, "last known verdicts", scanVerdict)
}

// EarlierContents returns the documents that resources had before the version of snapshot seq, newest first.
func (s *Store) EarlierContents(ctx context.Context, account string, keys []posture.Key, seq int64) (map[posture.Key][][]byte, error) {
	types, regions, ids := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		types[i], regions[i], ids[i] = k.Type, k.Region, k.ID
	}
	rows, _ := s.pool.Query(ctx, `
		SELECT r.type, r.region, r.id, r.hash, r.stale, c.document
		FROM unnest($2::text[], $3::text[], $4::text[]) k (type, region, id)
		JOIN resource_versions r ON r.account = $1 AND r.type = k.type AND r.region = k.region AND r.id = k.id AND r.valid_to <= $5
		JOIN contents c ON c.account = r.account AND c.hash = r.hash
		ORDER BY r.valid_from DESC`, account, types, regions, ids, seq)
	list, err := read(rows, "earlier contents", scanContent)
	if err != nil {
		return nil, err
	}
	out := map[posture.Key][][]byte{}
	for _, c := range list {
		out[c.Key] = append(out[c.Key], c.JSON)
	}
	return out, nil
}
