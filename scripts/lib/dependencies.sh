# Installs the Debian packages that are missing, and nothing when all are there: a second run needs no network.
# Sourced. Needs root.

PG_MAJOR=${PG_MAJOR:-15}
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}
export PG_MAJOR PG_CONFIG

# What the product needs to be built and run.
runtime_packages=(
    "postgresql-$PG_MAJOR" "postgresql-server-dev-$PG_MAJOR" "postgresql-client-$PG_MAJOR" "postgresql-$PG_MAJOR-partman"
    build-essential cmake pkg-config libpq-dev libsystemd-dev libicu-dev
    libcli11-dev libfmt-dev libspdlog-dev nlohmann-json3-dev prometheus-cpp-dev libmicrohttpd-dev
)

# What the tests need beside them.
test_packages=(
    "postgresql-$PG_MAJOR-pgtap" libtap-parser-sourcehandler-pgtap-perl
    python3 python3-psycopg2 python3-psycopg python3-pytest python3-pytest-timeout python3-pytest-xdist python3-cryptography pgbouncer
    libfaketime iproute2
)

# For the parts that need a compiler of their own: unit, checks, fuzz.
compiler_packages=(libgtest-dev clang libclang-rt-14-dev clang-format)

createcluster_drop_in=/etc/postgresql-common/createcluster.d/waltrail-install.conf

installed_version() {
    dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$1" 2>/dev/null | sed -n 's/^ii *//p'
}

# Prints the packages that have to be installed or upgraded, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        [[ -n $(installed_version "$package") ]] || echo "$package"
    done
    # Server and headers of different minor releases make a library that the server may not load.
    local server headers
    server=$(installed_version "postgresql-$PG_MAJOR")
    headers=$(installed_version "postgresql-server-dev-$PG_MAJOR")
    if [[ -n $server && $server != "$headers" ]]; then
        echo "postgresql-$PG_MAJOR"
        echo "postgresql-server-dev-$PG_MAJOR"
        echo "postgresql-client-$PG_MAJOR"
        echo libpq5
        echo libpq-dev
    fi
}

# install_packages PACKAGE…: returns 1, with apt's words on stderr, when that fails.
install_packages() {
    local missing log
    mapfile -t missing < <(missing_packages "$@" | sort -u)
    ((${#missing[@]} > 0)) || return 0
    echo "installing ${missing[*]}"
    log=$(mktemp)
    local status=0
    (
        # Debian's packages make and start a cluster on a first installation. Ours are made by server.sh, so that one is
        # neither wanted nor touched; the drop-in is there only as long as apt runs, also when it is interrupted.
        if [[ -z $(installed_version "postgresql-$PG_MAJOR") && ! -e $createcluster_drop_in ]]; then
            trap 'rm -f "$createcluster_drop_in"' EXIT
            trap 'exit 130' INT
            trap 'exit 143' TERM
            mkdir -p "${createcluster_drop_in%/*}"
            echo 'create_main_cluster = false' >"$createcluster_drop_in"
        fi
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q && apt-get install -q -y --no-install-recommends \
            -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "${missing[@]}"
    ) >"$log" 2>&1 || status=$?
    ((status == 0)) || tail -n 20 "$log" >&2
    rm -f "$log"
    return "$status"
}
