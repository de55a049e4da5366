package iampolicy

import "testing"

// open returns an Allow for everyone with the conditions given as JSON.
func open(conditions string) string {
	return `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":` + conditions + `}`
}

// refuse returns a Deny for everyone, over everything, with the conditions given as JSON.
func refuse(conditions string) string {
	return `,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":` + conditions + `}`
}

func TestPublicWithin(t *testing.T) {
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"star":                            {open(`{}`), true},
		"AWS star":                        {`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*"}`, true},
		"AWS star in a list":              {`{"Effect":"Allow","Principal":{"AWS":["111122223333","*"]},"Action":"*","Resource":"*"}`, true},
		"all but one":                     {`{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}`, true},
		"one account":                     {`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}`, false},
		"an account by wildcard":          {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"*","Resource":"*"}`, true},
		"a service":                       {`{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"*","Resource":"*"}`, false},
		"an identity policy":              {`{"Effect":"Allow","Action":"*","Resource":"*"}`, false},
		"a deny is no grant":              {`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`, false},
		"account fixed":                   {open(`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`), false},
		"key in another case":             {open(`{"StringEquals":{"AWS:sourceaccount":"111122223333"}}`), false},
		"operator in another case":        {open(`{"stringequals":{"aws:SourceAccount":"111122223333"}}`), false},
		"any of several values":           {open(`{"ForAnyValue:StringEquals":{"aws:PrincipalOrgID":["o-a","o-b"]}}`), false},
		"all of no values":                {open(`{"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-a"}}`), true},
		"only if it exists":               {open(`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-a"}}`), true},
		"a wildcard only":                 {open(`{"StringLike":{"aws:PrincipalOrgID":"*"}}`), true},
		"a wildcard beside a value":       {open(`{"StringLike":{"aws:PrincipalOrgID":["o-a","*"]}}`), true},
		"a prefix of organization ids":    {open(`{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`), true},
		"a path below one organization":   {open(`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a/r-b/*"}}`), false},
		"a path below any organization":   {open(`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-*/r-b/*"}}`), true},
		"another value":                   {open(`{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}`), true},
		"present":                         {open(`{"Null":{"aws:SourceAccount":"false"}}`), true},
		"a key that limits nobody":        {open(`{"StringEquals":{"aws:Referer":"example.com"}}`), true},
		"TLS limits nobody":               {open(`{"Bool":{"aws:SecureTransport":"true"}}`), true},
		"an ARN with its account":         {open(`{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"}}`), false},
		"an ARN of any account":           {open(`{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}}`), true},
		"a bucket by name":                {open(`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::b/*"}}`), false},
		"any bucket":                      {open(`{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::*"}}`), true},
		"a gateway of any account":        {open(`{"ArnLike":{"aws:SourceArn":"arn:aws:apigateway:eu-west-1::/restapis/*"}}`), true},
		"a caller's own variable":         {open(`{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}`), true},
		"the resource's account":          {open(`{"StringEquals":{"aws:PrincipalAccount":"${aws:ResourceAccount}"}}`), false},
		"an empty value":                  {open(`{"StringEquals":{"aws:SourceAccount":""}}`), true},
		"one of two conditions limits":    {open(`{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"aws:SourceVpce":"vpce-1"}}`), false},
		"an address range":                {open(`{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/48","192.0.2.7"]}}`), false},
		"half the Internet":               {open(`{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`), true},
		"all of IPv6":                     {open(`{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","::/0"]}}`), true},
		"not from an address":             {open(`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), true},
		"no address at all":               {open(`{"IpAddress":{"aws:SourceIp":"home"}}`), true},
		"denied to all":                   {open(`{}`) + refuse(`{}`), false},
		"denied outside the organization": {open(`{}`) + refuse(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"}}`), false},
		"denied outside it, services apart": {
			open(`{}`) + refuse(`{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}`), false},
		"denied outside a wildcard":          {open(`{}`) + refuse(`{"StringNotLike":{"aws:PrincipalOrgID":"*"}}`), true},
		"denied where any value differs":     {open(`{}`) + refuse(`{"ForAnyValue:StringNotEquals":{"aws:PrincipalOrgPaths":"o-a/"}}`), true},
		"denied without TLS only":            {open(`{}`) + refuse(`{"Bool":{"aws:SecureTransport":"false"}}`), true},
		"denied outside, and without TLS":    {open(`{}`) + refuse(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"},"Bool":{"aws:SecureTransport":"false"}}`), true},
		"denied inside the organization":     {open(`{}`) + refuse(`{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}`), true},
		"denied for addresses elsewhere":     {open(`{}`) + refuse(`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`), false},
		"denied to all but one":              {open(`{}`) + `,{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}`, false},
		"denied to all but all":              {open(`{}`) + `,{"Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*"}`, true},
		"denied to one":                      {open(`{}`) + `,{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*"}`, true},
		"another action denied":              {open(`{}`) + `,{"Effect":"Deny","Principal":"*","Action":"s3:Put*","Resource":"*"}`, true},
		"everything but other actions":       {open(`{}`) + `,{"Effect":"Deny","Principal":"*","NotAction":"s3:Put*","Resource":"*"}`, false},
		"another resource denied":            {open(`{}`) + `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/private/*"}`, true},
		"everything but other resources":     {open(`{}`) + `,{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::c/*"}`, false},
		"denied in two halves":               {`{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"s3:Put*","Resource":"*"}`, false},
		"one limited, one not":               {open(`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`) + `,` + open(`{}`), true},
		"denied when a key holds any value":  {open(`{}`) + refuse(`{"StringLike":{"aws:PrincipalArn":"*"}}`), true},
		"denied when not a service":          {open(`{}`) + refuse(`{"Bool":{"aws:PrincipalIsAWSService":"false"}}`), false},
		"denied when present and not in VPC": {open(`{}`) + refuse(`{"StringNotEquals":{"aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceVpc":"false"}}`), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy(t, test.statements).PublicWithin(BucketLimits()...); got != test.want {
				t.Errorf("public: %v", got)
			}
		})
	}
}

func TestPublicWithinKeysOfTheService(t *testing.T) {
	viaService := policy(t, open(`{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}`))
	if !viaService.PublicWithin(KeyLimits()...) {
		t.Error("kms:ViaService alone limits nobody")
	}
	caller := policy(t, open(`{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com","kms:CallerAccount":"111122223333"}}`))
	if caller.PublicWithin(KeyLimits()...) {
		t.Error("kms:CallerAccount limits")
	}
	if !caller.PublicWithin(LogsLimits()...) {
		t.Error("kms:CallerAccount means nothing to CloudWatch Logs")
	}
	mount := policy(t, open(`{"Bool":{"elasticfilesystem:AccessedViaMountTarget":"true"}}`))
	if mount.PublicWithin(FileSystemLimits()...) {
		t.Error("a mount target limits")
	}
	if !policy(t, open(`{"Bool":{"elasticfilesystem:AccessedViaMountTarget":"false"}}`)).PublicWithin(FileSystemLimits()...) {
		t.Error("access past the mount targets is public")
	}
	for name, limits := range map[string][]string{"trust": TrustLimits(), "function": FunctionLimits(), "messaging": MessagingLimits(),
		"search": SearchDomainLimits(), "resource": ResourceLimits()} {
		if policy(t, open(`{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`)).PublicWithin(limits...) {
			t.Errorf("%s: aws:PrincipalAccount limits", name)
		}
	}
}

func TestPublicReadAndWrite(t *testing.T) {
	allowing := func(element string) string {
		return `{"Effect":"Allow","Principal":"*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],` + element + `}`
	}
	for name, test := range map[string]struct {
		statements  string
		read, write bool
	}{
		"get":                        {allowing(`"Action":"s3:GetObject"`), true, false},
		"list":                       {allowing(`"Action":"s3:ListBucket"`), true, false},
		"delete":                     {allowing(`"Action":"s3:DeleteObject"`), false, true},
		"the service":                {allowing(`"Action":"s3:*"`), true, true},
		"everything":                 {allowing(`"Action":"*"`), true, true},
		"by suffix":                  {allowing(`"Action":"s3:*Object"`), true, true},
		"everything but reads":       {allowing(`"NotAction":["s3:Get*","s3:List*"]`), false, true},
		"another family":             {allowing(`"Action":"s3:CreateBucket"`), false, false},
		"writes denied":              {allowing(`"Action":"s3:*"`) + `,{"Effect":"Deny","Principal":"*","NotAction":["s3:Get*","s3:List*"],"Resource":"*"}`, true, false},
		"objects denied, bucket not": {allowing(`"Action":"s3:Get*"`) + `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`, true, false},
		"limited to a network":       {allowing(`"Action":"s3:*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`), false, false},
		"with TLS":                   {allowing(`"Action":"s3:PutObject","Condition":{"Bool":{"aws:SecureTransport":"true"}}`), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			document := policy(t, test.statements)
			if got := document.PublicRead(); got != test.read {
				t.Errorf("read: %v", got)
			}
			if got := document.PublicWrite(); got != test.write {
				t.Errorf("write: %v", got)
			}
		})
	}
}

func TestTLSOnly(t *testing.T) {
	refusing := func(principal, action, resource, conditions string) string {
		return `{"Effect":"Deny","Principal":` + principal + `,"Action":` + action + `,"Resource":` + resource + `,"Condition":` + conditions + `}`
	}
	const both, plain = `["arn:aws:s3:::b","arn:aws:s3:::b/*"]`, `{"Bool":{"aws:SecureTransport":"false"}}`
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"bucket and objects":               {refusing(`"*"`, `"s3:*"`, both, plain), true},
		"AWS star, a boolean, everything":  {refusing(`{"AWS":"*"}`, `"*"`, `"*"`, `{"Bool":{"aws:securetransport":false}}`), true},
		"a prefix that covers both":        {refusing(`"*"`, `"s3:*"`, `"arn:aws:s3:::b*"`, plain), true},
		"two statements":                   {refusing(`"*"`, `"s3:*"`, `"arn:aws:s3:::b"`, plain) + `,` + refusing(`"*"`, `"s3:*"`, `"arn:aws:s3:::b/*"`, plain), true},
		"if it exists":                     {refusing(`"*"`, `"s3:*"`, both, `{"BoolIfExists":{"aws:SecureTransport":"false"}}`), true},
		"objects only":                     {refusing(`"*"`, `"s3:*"`, `"arn:aws:s3:::b/*"`, plain), false},
		"another bucket":                   {refusing(`"*"`, `"s3:*"`, `["arn:aws:s3:::c","arn:aws:s3:::c/*"]`, plain), false},
		"one action":                       {refusing(`"*"`, `"s3:GetObject"`, both, plain), false},
		"one account":                      {refusing(`{"AWS":"111122223333"}`, `"s3:*"`, both, plain), false},
		"the wrong way round":              {refusing(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":"true"}}`), false},
		"in one network":                   {refusing(`"*"`, `"s3:*"`, both, `{"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"aws:SourceVpc":"vpc-1"}}`), false},
		"old TLS only":                     {refusing(`"*"`, `"s3:*"`, both, `{"NumericLessThan":{"s3:TlsVersion":"1.2"}}`), false},
		"old TLS and none, two statements": {refusing(`"*"`, `"s3:*"`, both, `{"NumericLessThan":{"s3:TlsVersion":1.2}}`) + `,` + refusing(`"*"`, `"s3:*"`, both, plain), true},
		"old TLS and none, in one":         {refusing(`"*"`, `"s3:*"`, both, `{"NumericLessThan":{"s3:TlsVersion":1.2},"Bool":{"aws:SecureTransport":"false"}}`), false},
		"denied outright":                  {`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`, false},
		"an allow with TLS":                {`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := policy(t, test.statements).TLSOnly("arn:aws:s3:::b"); got != test.want {
				t.Errorf("TLS only: %v", got)
			}
		})
	}
	if (Document{}).TLSOnly("arn:aws:s3:::b") {
		t.Error("no policy refuses nothing")
	}
}
