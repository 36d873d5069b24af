# Clean roots of Debian releases, made by debootstrap, for the parts that need another release or a machine without anything. Sourced, after tree.sh
# and with $work.

# ROOT_SECONDS_MAX bounds each step of making a root; 0: without end.
ROOT_SECONDS_MAX=${ROOT_SECONDS_MAX:-0}

debian_mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' | head -n 1)
debian_mirror=${debian_mirror:-http://deb.debian.org/debian}
security_mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm-security' | head -n 1)
security_mirror=${security_mirror:-http://deb.debian.org/debian-security}

# apart SECONDS COMMAND…: with processes, mounts and shared memory of its own, which end with the command. Of the environment it has only how the
# network is reached: settings for this machine, PG_CONFIG say, name what another root has not.
apart() {
    local seconds=$1 name environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8)
    shift
    for name in http_proxy https_proxy ftp_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [[ -z ${!name:-} ]] || environment+=("$name=${!name}")
    done
    env -i "${environment[@]}" timeout --foreground --kill-after=10 "$seconds" \
        unshare --fork --pid --kill-child --mount --mount-proc --ipc -- "$@"
}

# The root is bound to itself because ip netns exec wants / to be a mount.
enter_root='
root=$1
shift
mount --bind "$root" "$root" && cd "$root" &&
    mount -t proc proc proc && mount -t sysfs sysfs sys &&
    mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts &&
    mount -t tmpfs -o mode=1777 tmpfs dev/shm &&
    exec chroot . "$@"'

# in_root ROOT COMMAND…
in_root() { apart "${in_root_seconds_max:-0}" sh -c "$enter_root" sh "$@"; }

# make_root ROOT SUITE [PACKAGES]
make_root() {
    local root=$1 suite=$2 include=${3:-} script=""
    # Releases that are newer than debootstrap are made as sid is.
    [[ -e /usr/share/debootstrap/scripts/$suite ]] || script=sid
    apart "$ROOT_SECONDS_MAX" debootstrap --variant=minbase ${include:+--include="$include"} --cache-dir="$work/debs" "$suite" "$root" "$debian_mirror" $script &&
        write_sources "$suite" >"$root/etc/apt/sources.list" &&
        apt-config dump --format '%f "%v";%n' Acquire::Check-Valid-Until Acquire::Check-Date Acquire::http::Proxy >"$root/etc/apt/apt.conf.d/90machine" &&
        # Services do not start in a root without an init.
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d" &&
        printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts" &&
        cp /etc/resolv.conf "$root/etc/resolv.conf"
}

# With security updates: minor releases of one day belong together, and the older release of Debian has them there first.
write_sources() { # SUITE
    printf 'deb %s main\n' "$debian_mirror $1" "$debian_mirror $1-updates" "$security_mirror $1-security"
}

# no_root PART WHAT LOG: a failure, but in a run with a limit, which is to say what it can in its time.
no_root() {
    tail -n 20 "$3"
    if ((ROOT_SECONDS_MAX > 0)); then echo "not run $1: could not make $2"; else failed "$1" "could not make $2"; fi
}
