#!/usr/bin/env bash
# Runs in a clean root as root, with the packages in FOLDER: installs them as a user would, and tries what they bring. A line "ok NAME" or
# "not ok NAME" for each; what a failed one printed comes before it.
#
#   try_packages.sh FOLDER
set -uo pipefail

packages=$1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
pg_major=$(ls "$packages" | sed -n 's/^postgresql-\([0-9]*\)-waltrail_.*\.deb$/\1/p')

try() { # NAME COMMAND…
    local name=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    if ((status == 0)); then
        echo "ok $name"
    else
        echo "$output" | tail -n 20
        echo "not ok $name"
    fi
}

# For a subshell: its process, which a signal may be meant for, becomes the command's own.
become() { # USER COMMAND…
    cd / && exec setpriv --reuid="$1" --regid="$(id -g "$1")" --init-groups env HOME=/var/lib/waltrail "${@:2}"
}

as() { (become "$@"); } # USER COMMAND…

sql() { as postgres psql -X -A -t -q -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

installs() { apt-get update -q && apt-get install -q -y "$packages"/*.deb; }
has_manual() { man waltrail | grep 'SYNOPSIS' && man waltrail.toml | grep 'EXAMPLE'; }

# mistakes_of FOLDER: what systemd says of the unit there; of others, which lack what a running system has, it says something anyway.
mistakes_of() { { systemd-analyze verify "$1/waltrail-apply@.service" 2>&1 || true; } | grep -i 'waltrail'; }
unit_is_right() {
    local broken=/tmp/broken
    mkdir "$broken"
    # Where a mistake is not told, that none is told says nothing.
    sed 's/^WatchdogSec=.*/WatchdogSec=soon/' /usr/lib/systemd/system/waltrail-apply@.service >"$broken/waltrail-apply@.service"
    mistakes_of "$broken" | grep 'soon' || return
    ! mistakes_of /usr/lib/systemd/system
}
unit_is_hardened() {
    systemd-analyze security --offline=true --threshold=20 /usr/lib/systemd/system/waltrail-apply@.service
}

start_cluster() {
    pg_dropcluster --stop "$pg_major" main
    # The root shares this machine's network: no port of it is taken, and this one is of the socket's name only.
    pg_createcluster --port=5432 "$pg_major" trail -- --auth-local=trust &&
        pg_conftool "$pg_major" trail set listen_addresses '' &&
        pg_conftool "$pg_major" trail set wal_level logical &&
        pg_conftool "$pg_major" trail set shared_preload_libraries waltrail &&
        # Newer minor releases load no other plugins than these.
        { ! "/usr/lib/postgresql/$pg_major/bin/postgres" --describe-config | grep -c '^output_plugin_libraries' >/dev/null ||
            pg_conftool "$pg_major" trail set output_plugin_libraries waltrail; } &&
        pg_ctlcluster "$pg_major" trail start
}

write_settings() {
    cat >/etc/waltrail/shop.toml <<END
[apply]
source = "host=/var/run/postgresql dbname=shop user=waltrail_source"
destination = "host=/var/run/postgresql dbname=trail user=waltrail_apply"
listen = "127.0.0.1:0"
END
    chown root:waltrail /etc/waltrail/shop.toml
    chmod 0640 /etc/waltrail/shop.toml
}

prepares() {
    sql postgres 'CREATE DATABASE shop' && sql postgres 'CREATE DATABASE trail' &&
        sql shop 'CREATE TABLE users (id int PRIMARY KEY, email text)' &&
        as postgres waltrail init --source 'dbname=shop' --destination 'dbname=trail' &&
        sql postgres 'CREATE ROLE waltrail_source LOGIN REPLICATION' && sql postgres 'CREATE ROLE waltrail_apply LOGIN' &&
        sql trail "SELECT changes.grant_writer('waltrail_apply')" && write_settings
}

records() {
    sql shop "INSERT INTO users VALUES (1, 'a@example.com')" &&
        as waltrail waltrail --config /etc/waltrail/shop.toml apply --until now &&
        [[ $(sql trail "SELECT after ->> 'email', context #>> '{_waltrail,actor,session_user}' FROM changes") == 'a@example.com|postgres' ]]
}

# The service's own command, with its user, in place of systemd, which a root without an init has not.
runs_as_service() {
    local pid
    become waltrail waltrail --config /etc/waltrail/shop.toml apply >/tmp/service.log 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 100); do grep -q 'streaming' /tmp/service.log && break; sleep 0.1; done
    kill -HUP "$pid"
    for _ in $(seq 100); do grep -q 'read again' /tmp/service.log && break; sleep 0.1; done
    kill -TERM "$pid"
    wait "$pid"
    local status=$?
    cat /tmp/service.log
    ((status == 0)) && grep -q 'read again' /tmp/service.log
}

settings_are_private() {
    [[ $(stat -c '%U:%G %a' /etc/waltrail) == 'root:waltrail 750' ]] || return
    local said
    ! said=$(as nobody cat /etc/waltrail/shop.toml 2>&1) && grep 'Permission denied' <<<"$said"
}

# As from one version to the next, under a systemd that cannot start the new program: the package is installed all the same.
is_upgraded() {
    mkdir -p /run/systemd/system
    printf '#!/bin/sh\necho "$@" >>/tmp/systemctl.log\nexit 1\n' >/usr/local/bin/systemctl
    chmod 755 /usr/local/bin/systemctl
    # By dpkg: apt leaves /usr/local out of PATH.
    dpkg -i "$packages"/waltrail_*.deb
    local status=$?
    rm -r /usr/local/bin/systemctl /run/systemd/system
    cat /tmp/systemctl.log
    ((status == 0)) && grep -x -F -e "--no-block try-restart waltrail-apply@*.service" /tmp/systemctl.log &&
        [[ $(dpkg-query -W -f '${db:Status-Abbrev}' waltrail) == 'ii ' && $(stat -c '%U:%G %a' /etc/waltrail) == 'root:waltrail 750' ]]
}

is_removed() { apt-get purge -q -y waltrail && [[ ! -e /usr/bin/waltrail && -e /etc/waltrail/shop.toml ]]; }

try 'apt installs both packages' installs
try 'manual pages' has_manual
try 'the unit has no mistake' unit_is_right
try 'the unit is hardened' unit_is_hardened
try 'a server with the library preloaded' start_cluster
try 'init as a superuser' prepares
try 'a change, recorded by the user and roles of the service' records
try 'the service reloads and ends' runs_as_service
try 'settings belong to the service alone' settings_are_private
try 'an upgrade restarts what runs, and does not fail with it' is_upgraded
try 'a purge leaves the settings' is_removed
pg_ctlcluster "$pg_major" trail stop -m immediate
