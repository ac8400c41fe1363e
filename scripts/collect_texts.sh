#!/usr/bin/env bash
# Collects real text that Debian packages carry, as raw material for the pipelines in recipes/data: manuals as web pages, manual pages, Perl's documentation.
#
#   scripts/collect_texts.sh runs/raw            about 30 MB of packages, 60 MB of text
#   scripts/collect_texts.sh runs/raw small      three packages, for a test
#
# Packages are downloaded and unpacked, not installed; nothing outside OUT is touched. Idempotent. Writes OUT/html (pages), OUT/man and OUT/pod (plain text)
# and OUT/packages.txt (names, versions and hashes of the packages).
set -euo pipefail
out=${1:?where to write, for example runs/raw}
case ${2:-all} in
  small) packages=(developers-reference manpages perl-doc) ;;
  all) packages=(python3.11-doc postgresql-doc-15 sqlite3-doc developers-reference debian-policy debian-reference-en r-doc-html manpages manpages-dev perl-doc) ;;
  *) sed -n '2,8p' "$0"; exit 2 ;;
esac
stamp="$out/.collected-$(printf '%s ' "${packages[@]}" | sha256sum | cut -c1-16)"
if [ -e "$stamp" ]; then
  echo "[texts] $out is complete"
  exit 0
fi
fail() { printf '[texts] error: %s\n' "$*" >&2; exit 1; }
for tool in apt-get dpkg-deb zcat; do command -v "$tool" >/dev/null || fail "$tool is needed"; done

rm -rf "$out/html" "$out/man" "$out/pod" "$out/unpacked"
mkdir -p "$out/packages" "$out/unpacked" "$out/html" "$out/man" "$out/pod"
echo "[texts] downloading ${packages[*]}"
(cd "$out/packages" && apt-get download -q "${packages[@]}" >download.log 2>&1) || { tail -5 "$out/packages/download.log" >&2; fail "apt-get download failed (apt-get update first?)"; }
for package in "${packages[@]}"; do
  file=$(ls "$out/packages/${package}"_*.deb | tail -1)
  dpkg-deb -x "$file" "$out/unpacked"
  printf '%s %s %s\n' "$package" "$(dpkg-deb -f "$file" Version)" "$(sha256sum "$file" | cut -d' ' -f1)"
done >"$out/packages.txt"

# Web pages, under names without folders so that their order is that of names.
(cd "$out/unpacked" && find . -type f \( -name '*.html' -o -name '*.html.gz' -o -name '*.htm' \) | LC_ALL=C sort) | while read -r page; do
  name=$(printf '%s' "${page#./}" | sed 's|^usr/share/doc/||; s|/|_|g')
  case $page in
    *.gz) zcat "$out/unpacked/$page" >"$out/html/${name%.gz}" ;;
    *) cp "$out/unpacked/$page" "$out/html/$name" ;;
  esac
done

# Manual pages as plain text: requests dropped, font changes and escapes resolved, lines of a paragraph joined. Enough for prose; no substitute for groff.
manual_text() {
  sed -E "/^[.']\\\\\"/d; /^'/d; /^\.(TH|so|de|\.|ie|el|if|nr|ds|in|sp|ft|ad|hy|nh|ta|RS|RE|nf|fi|EX|EE|TS|TE|ne|ti)/d" |
    sed -E 's/^\.S[HS] +"?([^"]*)"?/\n\1\n/; s/^\.(PP|P|LP|TP|IP|HP|TQ).*/\n/; s/^\.(B|I|BR|BI|IR|RB|RI|SM|SB|UR|UE|MT|ME) ?//; s/\\f[A-Z]//g; s/\\f\([A-Z]{2}//g; s/\\-/-/g; s/\\\(aq/'"'"'/g;
            s/\\\(dq/"/g; s/\\\((lq|rq)/"/g; s/\\\((em|en|bu)/-/g; s/\\&//g; s/\\e/\\/g; s/\\[~ |^]/ /g; s/\\\([a-z0-9*+]{2}//g; s/ (\([0-9]?\))/\1/g; s/ ([.,;:])( |$)/\1\2/g; s/"//g' |
    awk 'BEGIN { RS = ""; ORS = "\n\n" } { gsub(/[ \n]+/, " "); print }'
}
find "$out/unpacked/usr/share/man" -path '*/man[0-9]/*.gz' -type f 2>/dev/null | LC_ALL=C sort | while read -r page; do
  zcat "$page" | manual_text >"$out/man/$(basename "${page%.gz}").txt"
done

if command -v pod2text >/dev/null; then
  find "$out/unpacked" -name '*.pod' -type f | LC_ALL=C sort | while read -r page; do
    pod2text --utf8 "$page" >"$out/pod/$(basename "${page%.pod}").txt" 2>/dev/null || true
  done
fi
rm -rf "$out/unpacked" "$out/packages"
touch "$stamp"
echo "[texts] $(find "$out/html" "$out/man" "$out/pod" -type f | wc -l) files, $(du -sm "$out" | cut -f1) MB in $out"
