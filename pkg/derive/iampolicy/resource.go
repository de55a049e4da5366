package iampolicy

import "slices"

// PublicWithin reports whether an Allow is open to everyone: its principal is "*" (or AWS: "*", or a NotPrincipal), no
// condition fixes one of the limiting keys, and no Deny takes all of it back from strangers.
func (d Document) PublicWithin(limits ...string) bool { return d.publicFor([]string{"*"}, limits) }

// PublicRead reports whether strangers may read or list a bucket or its objects.
func (d Document) PublicRead() bool {
	return d.publicFor([]string{"s3:get*", "s3:list*"}, BucketLimits())
}

// PublicWrite reports whether strangers may write, delete, replicate, restore or abort in a bucket.
func (d Document) PublicWrite() bool {
	return d.publicFor([]string{"s3:put*", "s3:delete*", "s3:replicate*", "s3:restore*", "s3:abort*"}, BucketLimits())
}

// publicFor is PublicWithin for the actions within the families.
func (d Document) publicFor(families, limits []string) bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return s.Effect == allow && s.public() && !s.fixes(limits...) &&
			slices.ContainsFunc(families, func(family string) bool {
				return len(s.actionsWithin(family)) > 0 && !d.takenBack(s, family, limits)
			})
	})
}

// takenBack reports whether Deny statements leave nothing of what the Allow gives within the family of actions, except
// to callers who have a fixed value of a limiting key, or whom a Deny's NotPrincipal spares by name.
func (d Document) takenBack(s Statement, family string, limits []string) bool {
	return d.eachDenied(s, s.actionsWithin(family), func(no Statement) bool {
		return (no.coversPrincipals(s) || sparesByName(no)) && no.sparesOnly(limits)
	})
}

// eachDenied reports whether, for every action and resource of the Allow, some Deny that applies covers both.
func (d Document) eachDenied(s Statement, actions []string, applies func(Statement) bool) bool {
	var denies []Statement
	for _, no := range d.Statements {
		if no.Effect == deny && applies(no) {
			denies = append(denies, no)
		}
	}
	resources := s.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, action := range actions {
		for _, resource := range resources {
			if !slices.ContainsFunc(denies, func(no Statement) bool {
				return no.coversAction(action) && no.coversResource(resource)
			}) {
				return false
			}
		}
	}
	return true
}

// sparesOnly reports whether a Deny spares nobody but callers with a fixed value of one of the keys.
func (s Statement) sparesOnly(keys []string) bool {
	return !slices.ContainsFunc(s.conditions(), func(c condition) bool { return !c.spares(keys) })
}

func sparesByName(s Statement) bool {
	return len(s.NotPrincipals) > 0 && !slices.ContainsFunc(s.NotPrincipals, everyone)
}

// coversPrincipals reports whether a Deny meets every principal of the Allow. A Deny for an account meets all in it.
func (s Statement) coversPrincipals(granted Statement) bool {
	if slices.ContainsFunc(s.Principals, everyone) {
		return true
	}
	if len(granted.Principals) == 0 || granted.public() {
		return false
	}
	named := func(list []string, p string) bool {
		return slices.ContainsFunc(list, func(q string) bool {
			return q == p || everyone(q) || accountRoot(q) && principalAccount(q) == principalAccount(p)
		})
	}
	return !slices.ContainsFunc(granted.Principals, func(p string) bool {
		if len(s.NotPrincipals) > 0 {
			return named(s.NotPrincipals, p)
		}
		return !named(s.Principals, p)
	})
}

// TLSOnly reports whether the bucket with that ARN, and all its objects, refuse requests without TLS. A Deny of old TLS
// versions alone leaves plain HTTP open and does not count.
func (d Document) TLSOnly(bucketARN string) bool {
	return d.RequiresTLS("s3:*", bucketARN, bucketARN+"/*")
}

// RequiresTLS reports whether each of the resources denies everyone the actions when aws:SecureTransport is false.
func (d Document) RequiresTLS(actions string, resources ...string) bool {
	return len(resources) > 0 && !slices.ContainsFunc(resources, func(resource string) bool {
		return !slices.ContainsFunc(d.Statements, func(s Statement) bool {
			return s.Effect == deny && slices.ContainsFunc(s.Principals, everyone) && s.deniesPlaintext() &&
				s.coversAction(actions) && s.coversResource(resource)
		})
	})
}

// deniesPlaintext reports whether the statement's only condition is that the request came without TLS.
func (s Statement) deniesPlaintext() bool {
	conditions := s.conditions()
	return len(conditions) > 0 && !slices.ContainsFunc(conditions, func(c condition) bool {
		isTest := c.operator == "bool" || c.operator == "stringequals" || c.operator == "stringequalsignorecase"
		return !(isTest && c.key == "aws:securetransport" && c.all("false"))
	})
}
