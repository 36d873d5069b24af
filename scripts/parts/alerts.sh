# The alert rules for Prometheus: that they are well formed, fire when they should, and speak of metrics that there are.

# promtool alone (a download of 19 MB): Debian's package would bring twelve others and a server that starts. Prints where it is.
find_promtool() {
    local folder=build/test/promtool
    command -v promtool && return
    [[ -x $folder/usr/bin/promtool ]] || fetch_promtool "$PWD/$folder" >&2 || return
    echo "$PWD/$folder/usr/bin/promtool"
}

# apt fetches as a user of its own where it can, into a folder where that user may write.
fetch_promtool() {
    local folder=$1
    rm -rf "$folder" && mkdir -p "$folder" && mkdir "$work/promtool" && chmod 777 "$work/promtool" &&
        (cd "$work/promtool" && { apt-get download -q prometheus || { apt-get update -q && apt-get download -q prometheus; }; }) &&
        dpkg-deb --fsys-tarfile "$work"/promtool/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
}

# Metrics of the rules that the document does not list, one a line.
unknown_metrics() {
    ! grep -o 'waltrail_[a-z_]*' deploy/prometheus/waltrail.rules.yml | sort -u | while read -r metric; do
        grep -q "^| \`$metric[{\`]" docs/monitoring.md || echo "$metric"
    done | grep .
}

# Alerts that the document does not list, one a line.
unknown_alerts() {
    ! sed -n 's/^ *- alert: //p' deploy/prometheus/waltrail.rules.yml | while read -r alert; do
        grep -q "^| \`$alert\`" docs/monitoring.md || echo "$alert"
    done | grep .
}

# Alerts that no test expects to fire.
untested_alerts() {
    ! sed -n 's/^ *- alert: //p' deploy/prometheus/waltrail.rules.yml | while read -r alert; do
        grep -A 1 "alertname: $alert\>" deploy/prometheus/waltrail.rules.test.yml | grep -q exp_alerts || echo "$alert"
    done | grep .
}

alert() { # NAME COMMAND…
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed alerts "$name"
    else
        failed alerts "$name"
        printf '%s\n' "$output" | head -n 40 | sed 's/^/        /'
    fi
}

part_alerts() {
    local promtool
    alert "every metric of the rules is documented" unknown_metrics
    alert "every alert is documented" unknown_alerts
    alert "every alert is tested" untested_alerts
    if ! promtool=$(find_promtool); then
        failed alerts "could not install promtool"
        return
    fi
    alert "promtool check rules" "$promtool" check rules deploy/prometheus/waltrail.rules.yml
    alert "promtool test rules" "$promtool" test rules deploy/prometheus/waltrail.rules.test.yml
}
