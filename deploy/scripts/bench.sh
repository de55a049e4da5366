#!/usr/bin/env bash
# Measures speed and size and prints one line for each: name, measured, reach, ratio, holds. docs/benchmarks.md says what each
# means. It also builds with an empty cache, which takes most of the time; BENCH_COLD=0 leaves that out.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
ldflags='-s -w'
export GOFLAGS=-tags=grpcnotrace

line() { # name, measured, reach, ratio
	printf '%-44s %-32s %-10s %-8s %s\n' "$@"
}
holds() { # value, limit
	awk -v value="$1" -v limit="$2" 'BEGIN { print (value <= limit) ? "yes" : "no" }'
}
now() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.1f", to - from }'; }
ratio() { awk -v value="$1" -v limit="$2" 'BEGIN { printf "%.2f", value / limit }'; }
# metric prints the number before a unit of a benchmark's output, which is in the file named or else in that of the loads.
metric() { awk -v unit="$1" '{ for (i = 2; i <= NF; i++) if ($i == unit) { print $(i-1); exit } }' "$dir/${2:-seal}"; }

echo "building" >&2
go build -trimpath -ldflags "$ldflags" -o "$dir/plumbline" ./cmd/plumbline
go -C bench build -o "$dir" ./opa ./scan ./rows ./org

line measure measured reach ratio holds

"$dir/opa" >"$dir/opa.out"
read -r ours theirs r < <(sed -n 's/^evaluation against OPA: ours \(.*\) µs, OPA \(.*\) µs, ratio \(.*\)$/\1 \2 \3/p' "$dir/opa.out")
line "evaluation against OPA" "$ours µs, OPA $theirs µs" "<= 0.1" "$r" "$(holds "$r" 0.1)"

"$dir/scan" >"$dir/scan.out"
read -r wall ideal r < <(sed -n 's/^scan against ideal makespan: wall \(.*\) s, ideal \(.*\) s, ratio \(.*\)$/\1 \2 \3/p' "$dir/scan.out")
line "scan against ideal makespan" "$wall s, ideal $ideal s" "<= 1.3" "$r" "$(holds "$r" 1.3)"

for cloud in gcp azure; do
	"$dir/org" -cloud "$cloud" >"$dir/org.out"
	read -r wall ideal r < <(sed -n 's/^organization against ideal makespan: wall \(.*\) s, ideal \(.*\) s, ratio \(.*\)$/\1 \2 \3/p' "$dir/org.out")
	line "200 accounts of $cloud against ideal" "$wall s, ideal $ideal s" "<= 1.3" "$r" "$(holds "$r" 1.3)"
	for accounts in 10 100 1000; do
		"$dir/org" -cloud "$cloud" -accounts "$accounts" -latency 0 >"$dir/org.out"
		read -r megabytes < <(sed -n 's/^peak memory: \(.*\) MB.*$/\1/p' "$dir/org.out")
		line "peak memory, $accounts accounts of $cloud" "$megabytes MB" "< 512 MB" "$(ratio "$megabytes" 512)" "$(holds "$megabytes" 512)"
	done
done

"$dir/rows" >"$dir/rows.out"
read -r first second < <(sed -n 's/^unchanged snapshot: first \(.*\) rows, second \(.*\) rows$/\1 \2/p' "$dir/rows.out")
line "rows of an unchanged snapshot" "$second, first one $first" "0" "$(ratio "$second" "$first")" "$(holds "$second" 0)"

if go test -run '^$' -bench '^BenchmarkSeal$' -benchtime 1x ./pkg/store >"$dir/seal" 2>&1; then
	r=$(metric first/copy)
	line "first load against plain COPY" "$(metric first-s) s, COPY $(metric copy-s) s" "<= 3" "$r" "$(holds "$r" 3)"
	r=$(metric unchanged/first)
	line "unchanged snapshot against first load" "$(metric unchanged-s) s" "<= 0.1" "$r" "$(holds "$r" 0.1)"
	r=$(metric diff-s)
	line "difference of 1 % of 100,000 resources" "$r s" "< 0.1 s" "$(ratio "$r" 0.1)" "$(holds "$r" 0.1)"
else
	cat "$dir/seal" >&2
	line "loads and differences" "the benchmark failed" "-" "-" no
	failed=1
fi

# 10,000 resources over 30 snapshots, with PLUMBLINE_LONG 100,000 over 365, which takes a good part of an hour.
if go test -timeout 3h -run '^$' -bench '^BenchmarkPackage$' -benchtime 1x ./pkg/evidence/pack >"$dir/package" 2>&1; then
	size="$(metric resources package) resources, $(metric snapshots package) snapshots"
	line "package of $size" "built $(metric s/build package) s, verified $(metric s/verify package) s" "-" "-" "-"
	megabytes=$(metric MB-peak package)
	line "peak memory of that package" "$megabytes MB" "< 512 MB" "$(ratio "$megabytes" 512)" "$(holds "$megabytes" 512)"
else
	cat "$dir/package" >&2
	line "packages of evidence" "the benchmark failed" "-" "-" no
	failed=1
fi

if PLUMBLINE_BENCH_RESOURCES=1000000 PLUMBLINE_BENCH_SNAPSHOTS=365 PLUMBLINE_BENCH_ACCOUNTS=100 go test -run '^$' -bench '^BenchmarkReads$' -benchtime 100x -timeout 60m ./pkg/web >"$dir/reads" 2>&1; then
	while read -r name rate p95; do
		line "API as of a random day: ${name//_/ }" "$rate requests/s, p95 $p95 ms" "< 100 ms" "$(ratio "$p95" 100)" "$(holds "$p95" 100)"
	done < <(awk '/^BenchmarkReads\// { sub(/^BenchmarkReads\//, "", $1); sub(/-[0-9]+$/, "", $1); for (i = 2; i < NF; i++) { if ($(i+1) == "req/s") rate = $i; if ($(i+1) == "p95-ms") p95 = $i }; print $1, rate, p95 }' "$dir/reads" | sort)
else
	cat "$dir/reads" >&2
	line "reads of the API" "the benchmark failed" "-" "-" no
	failed=1
fi

start=$(now)
"$dir/plumbline" demo --once >"$dir/demo" 2>&1
seconds=$(since "$start")
line "demo --once" "$seconds s" "< 60 s" "$(ratio "$seconds" 60)" "$(holds "$seconds" 60)"

megabytes=$(awk -v bytes="$(wc -c <"$dir/plumbline")" 'BEGIN { printf "%.1f", bytes / 1e6 }')
line "binary, stripped" "$megabytes MB" "< 120 MB" "$(ratio "$megabytes" 120)" "$(holds "$megabytes" 120)"

if [ "${BENCH_COLD:-1}" = 1 ]; then
	start=$(now)
	GOCACHE="$dir/cache" go build -trimpath -ldflags "$ldflags" -o "$dir/cold" ./cmd/plumbline
	seconds=$(since "$start")
	line "build with an empty cache" "$seconds s" "< 720 s" "$(ratio "$seconds" 720)" "$(holds "$seconds" 720)"
fi
exit "${failed:-0}"
