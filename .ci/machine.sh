# Prepares the machine for the gate: installs missing tools and starts PostgreSQL.

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else sudo -n -u postgres "$@"; fi; }
apt_updated=
install() {
  [ -n "$apt_updated" ] || { as_root apt-get update -q; apt_updated=1; }
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@"
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/5432") 2>/dev/null; }

step "tools"
go version
command -v gcc >/dev/null || install gcc libc6-dev
command -v sqlite3 >/dev/null || install sqlite3
command -v chromium >/dev/null || install chromium
TIER2_TEST_CHROMIUM=$(command -v chromium)
export TIER2_TEST_CHROMIUM

step "PostgreSQL on 127.0.0.1:5432"
if ! answers; then
  command -v pg_lsclusters >/dev/null || install postgresql
  # The first installed cluster; pg_lsclusters prints its version and name first.
  read -r version cluster _ < <(pg_lsclusters -h) || fail "no PostgreSQL cluster is installed"
  answers || as_root pg_ctlcluster "$version" "$cluster" start
  for _ in $(seq 30); do
    if answers; then break; fi
    sleep 1
  done
  answers || fail "PostgreSQL does not answer on 127.0.0.1:5432"
  # A fresh cluster requires a password over TCP; the tests have none.
  if ! psql -qAtw -h 127.0.0.1 -U postgres -c "SELECT 1" >/dev/null 2>&1; then
    hba=$(as_postgres psql -qAtc "SHOW hba_file")
    as_root sed -i '1i host all postgres 127.0.0.1/32 trust' "$hba"
    as_root pg_ctlcluster "$version" "$cluster" reload
    sleep 1
  fi
fi
command -v psql >/dev/null || install postgresql-client
psql -qAtw -h 127.0.0.1 -U postgres -c "SELECT 1 FROM pg_database WHERE datname = 'test'" | grep -q 1 ||
  createdb -w -h 127.0.0.1 -U postgres test
export TIER2_TEST_POSTGRES=postgres://postgres@127.0.0.1:5432/test
pg() { PGOPTIONS="-c client_min_messages=warning" psql -qAtwX -h 127.0.0.1 -U postgres -d test -c "$1"; }
# Tests create and drop hundreds of schemas. The dead rows that this leaves in the catalogs
# slow down every later query.
vacuum() { pg VACUUM; }
vacuum
