#include "apply/monitor.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

namespace waltrail {

namespace {

double now_s() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
}

// PostgreSQL counts from 2000, Prometheus from 1970.
double unix_s(wire::Timestamp time) {
    constexpr double epoch_difference_s = 946'684'800;
    return static_cast<double>(time.microseconds) / 1e6 + epoch_difference_s;
}

HttpAnswer answer_of(const Verdict &verdict) {
    if (verdict.is_good) return {200, "ok\n"};
    return {503, verdict.reason + "\n"};
}

// Such a run has nobody who looks at it, unless that is asked for.
bool ends_by_itself(const ApplySettings &settings) {
    return !settings.until.empty() && !settings.listen_is_asked;
}

} // namespace

Monitor::Monitor(const ApplySettings &settings)
    : slot_(settings.ends.slot), listen_(settings.listen), health_(settings.health_patience),
      watch_(settings, [this] { return recorded(); }) {
    if (ends_by_itself(settings)) return;
    try {
        listener_ = listener_at(listen_);
    } catch (const Error &error) {
        if (settings.listen_is_asked) throw;
        listen_problem_ = error.what();
    }
}

// Null: it is off.
std::unique_ptr<HttpListener> Monitor::listener_at(const std::string &listen) {
    if (is_off(listen)) return nullptr;
    return std::make_unique<HttpListener>(*parse_listen_address(listen),
                                          [this](const std::string &path) { return answer(path); });
}

void Monitor::announce() {
    is_announced_ = true;
    if (!listen_problem_.empty())
        spdlog::warn("no metrics and health over HTTP: {}", listen_problem_);
    if (listener_) spdlog::info("metrics and health on http://{}", listener_->where());
}

void Monitor::take(const ApplySettings &settings) {
    health_.set_patience(settings.health_patience);
    watch_.set_interval(settings.metrics_interval);
    bool wants_listener = !is_off(settings.listen) && !ends_by_itself(settings);
    if (settings.listen != listen_ || (!listener_ && wants_listener))
        change_address(settings.listen);
}

// The new one may be another form of the old one, so that it is only free once that is gone.
void Monitor::change_address(const std::string &listen) {
    listener_.reset();
    try {
        listener_ = listener_at(listen);
        listen_ = listen;
    } catch (const Error &error) {
        if (listen == listen_)
            return spdlog::warn("still no metrics and health over HTTP: {}", error.what());
        spdlog::error("metrics and health stay where they were: {}", error.what());
        try {
            listener_ = listener_at(listen_);
        } catch (const Error &lost) {
            spdlog::error("no metrics and health over HTTP: {}", lost.what());
        }
    }
    if (listener_) spdlog::info("metrics and health on http://{}", listener_->where());
}

void Monitor::begins(const Progress &progress) {
    {
        std::unique_lock lock(mutex_);
        label_ = progress.label;
        recorded_ = {progress.recorded_end, progress.last_commit, progress.source_time};
    }
    if (!is_announced_) announce();
    if (listener_) watch_.start(progress.source_id);
}

void Monitor::records(const RecordedBatch &batch, const RecordedPoint &to) {
    metrics_.recorded(batch);
    health_.records();
    std::unique_lock lock(mutex_);
    recorded_.end = to.end;
    if (to.last_commit) recorded_.last_commit = to.last_commit;
    if (to.source_time) recorded_.source_time = to.source_time;
    recorded_at_s_ = now_s();
}

Monitor::Stream::Stream(Monitor &monitor, const FrameQueue &frames, const BatchQueue &batches,
                        const StreamReceiver &receiver, const Maintenance &maintenance)
    : monitor_(monitor), frames_(frames), batches_(batches), receiver_(receiver),
      maintenance_(maintenance) {
    monitor_.health_.stream_begins();
    std::unique_lock lock(monitor_.mutex_);
    monitor_.stream_ = this;
}

Monitor::Stream::~Stream() {
    monitor_.health_.stream_ends();
    std::unique_lock lock(monitor_.mutex_);
    monitor_.stream_ = nullptr;
}

void Monitor::fails(const Error &error) {
    metrics_.reconnects(error.end());
    health_.fails(error.problem());
}

std::optional<StreamActivity> Monitor::activity() const {
    std::unique_lock lock(mutex_);
    if (stream_ == nullptr) return std::nullopt;
    BatchLoad load = stream_->batches_.load();
    return StreamActivity{load.waits, load.moved_at, stream_->receiver_.heard_at()};
}

RecordedPoint Monitor::recorded() const {
    std::unique_lock lock(mutex_);
    return recorded_;
}

Gauges Monitor::gauges() const {
    Gauges gauges;
    gauges.is_healthy = alive().is_good;
    gauges.figures = watch_.latest();
    gauges.slot = slot_;
    std::unique_lock lock(mutex_);
    if (const auto &source = gauges.figures.source) source_version_ = source->version;
    if (const auto &destination = gauges.figures.destination)
        destination_version_ = destination->version;
    gauges.source_version = source_version_;
    gauges.destination_version = destination_version_;
    gauges.label = label_;
    gauges.last_record_s = recorded_at_s_;
    if (recorded_.last_commit) gauges.last_commit_s = unix_s(recorded_.last_commit->committed_at);
    gauges.is_streaming = stream_ != nullptr;
    if (stream_ == nullptr) return gauges;
    BatchLoad load = stream_->batches_.load();
    gauges.frame_bytes = stream_->frames_.bytes();
    gauges.row_bytes = load.bytes;
    gauges.batches = load.batches;
    gauges.pending_bytes = stream_->maintenance_.pending_bytes();
    return gauges;
}

HttpAnswer Monitor::answer(const std::string &path) const {
    if (path == "/metrics") return {200, metrics_text(metrics_, gauges()), metrics_type};
    if (path == "/healthz") return answer_of(alive());
    if (path == "/readyz") return answer_of(ready());
    return {404, "/metrics, /healthz and /readyz are here\n"};
}

} // namespace waltrail
