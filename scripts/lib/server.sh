# Starts and stops PostgreSQL servers of our own: each has its data, its log and its only socket in one folder, listens on
# no port, and runs as an unprivileged user. The machine's own clusters are never looked at. Sourced after dependencies.sh.

SERVER_USER=postgres

pg_bindir() { "$PG_CONFIG" --bindir; }

# setpriv replaces itself by the command, so a process id of a background job is the command's own. The working folder must be
# one that the user may read.
as_server_user() { (cd / && exec setpriv --reuid="$SERVER_USER" --regid="$SERVER_USER" --init-groups -- "$@"); }

# Older minor releases do not know the setting and load any plugin; newer ones refuse what is not listed.
knows_output_plugin_libraries() {
    # grep reads to the end: under pipefail an early exit of grep -q would make the pipe fail.
    "$(pg_bindir)/postgres" --describe-config | grep -c '^output_plugin_libraries' >/dev/null
}

# start_server NAME DIR [SETTING…]: initdb unless DIR/data is there, then start. Connect with host=DIR. SETTING is a line of
# postgresql.conf. Returns 1 with one line on stderr when the server does not start.
start_server() {
    local name=$1 dir=$2
    shift 2
    # A socket's address has room for 107 bytes.
    if ((${#dir} > 90)); then
        echo "error: the folder \"$dir\" of server \"$name\" is too long for a socket: 90 characters at most" >&2
        return 1
    fi
    if [[ ! -e $dir/data/PG_VERSION ]]; then
        install -d -m 755 -o "$SERVER_USER" -g "$SERVER_USER" "$dir" || return
        if ! as_server_user "$(pg_bindir)/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 \
            --no-sync >"$dir/initdb.log" 2>&1; then
            echo "error: could not make the data folder of server \"$name\": $(tail -n 1 "$dir/initdb.log")" >&2
            return 1
        fi
        {
            echo "cluster_name = '$name'"
            echo "listen_addresses = ''"
            echo "unix_socket_directories = '$dir'"
            echo "wal_level = logical"
            echo "max_wal_senders = 20"
            echo "max_replication_slots = 20"
            if knows_output_plugin_libraries; then
                echo "output_plugin_libraries = 'pgoutput, test_decoding, waltrail'"
            fi
            (($# == 0)) || printf '%s\n' "$@"
        } >>"$dir/data/postgresql.conf"
    fi
    if ! as_server_user "$(pg_bindir)/pg_ctl" start -w -t 60 -s -D "$dir/data" -l "$dir/log" </dev/null >"$dir/pg_ctl.log" 2>&1; then
        tail -n 20 "$dir/log" >&2 2>/dev/null
        echo "error: could not start server \"$name\" in $dir: $(tail -n 1 "$dir/pg_ctl.log")" >&2
        return 1
    fi
}

# server_pid DIR: the postmaster's process id; fails when it does not run. A pid file may be left from before a crash, and
# its number may be another process's by now.
server_pid() {
    local pid
    pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || return 1
    [[ $pid =~ ^[0-9]+$ && /proc/$pid/cwd -ef $1/data ]] || return 1
    echo "$pid"
}

# stop_server DIR: fast, then immediately. No error when it does not run.
stop_server() {
    server_pid "$1" >/dev/null || return 0
    as_server_user "$(pg_bindir)/pg_ctl" stop -w -t 30 -s -m fast -D "$1/data" >/dev/null 2>&1 ||
        as_server_user "$(pg_bindir)/pg_ctl" stop -w -t 30 -s -m immediate -D "$1/data" >/dev/null 2>&1
}
