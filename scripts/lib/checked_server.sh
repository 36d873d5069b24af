# Builds a PostgreSQL with assertions and its own marks for valgrind (USE_VALGRIND) from Debian's source package. Sourced.

checked_server_packages=(valgrind dpkg-dev bzip2 libxml2-dev libssl-dev zlib1g-dev)

# Debian's own lists of packages, as lists of source packages, used by apt for these two functions only.
source_apt() { # DIR COMMAND ARGUMENT…
    local dir=$1 command=$2
    shift 2
    "$command" -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/apt/lists.d" \
        -o Dir::State::lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache" "$@"
}

list_sources() { # DIR
    local file
    mkdir -p "$1/apt/lists.d" "$1/apt/lists/partial" "$1/apt/cache/archives/partial"
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -e $file ]] || continue
        ! grep -q '^URIs:.*debian' "$file" || sed 's/^Types: .*/Types: deb-src/' "$file" >"$1/apt/lists.d/${file##*/}"
    done
    [[ ! -s /etc/apt/sources.list ]] || sed -n 's/^deb \(.*debian.*\)/deb-src \1/p' /etc/apt/sources.list >"$1/apt/lists.d/main.list"
    source_apt "$1" apt-get update
}

# unpack_server_source DIR: into DIR/source, the newest version whose files are still served.
unpack_server_source() {
    local dir=$1 version
    list_sources "$dir" || return
    while read -r version; do
        echo "source of postgresql-$PG_MAJOR $version"
        (cd "$dir" && source_apt "$dir" apt-get source --download-only "postgresql-$PG_MAJOR=$version") || continue
        mkdir "$dir/source" && tar -x -f "$dir"/postgresql-*.orig.tar.bz2 -C "$dir/source" --strip-components=1
        return
    done < <(source_apt "$dir" apt-cache showsrc "postgresql-$PG_MAJOR" | sed -n 's/^Version: //p' | sort -r -V)
    return 1
}

# build_checked_server DIR: into DIR/server, unless it is there.
build_checked_server() (
    dir=$1
    [[ ! -x $dir/server/bin/postgres ]] || return 0
    unpack_server_source "$dir" && cd "$dir/source" || return
    ./configure --prefix="$dir/server" --enable-cassert --enable-debug --without-readline --with-libxml --with-ssl=openssl \
        CPPFLAGS=-DUSE_VALGRIND CFLAGS='-O1 -fno-omit-frame-pointer' &&
        make -j "$JOBS" && make install && make -C contrib -j "$JOBS" install &&
        make -C src/test/regress -j "$JOBS" && make -C src/test/isolation -j "$JOBS"
)
