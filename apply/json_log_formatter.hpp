// Log messages as JSON (log_format.hpp).
#pragma once

#include <spdlog/formatter.h>

#include <memory>
#include <string>

namespace waltrail {

class JsonLogFormatter : public spdlog::formatter {
  public:
    // Empty: not known yet, and not said.
    explicit JsonLogFormatter(std::string label = "", std::string slot = "")
        : label_(std::move(label)), slot_(std::move(slot)) {}

    void format(const spdlog::details::log_msg &message, spdlog::memory_buf_t &line) override;
    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JsonLogFormatter>(label_, slot_);
    }

  private:
    std::string label_;
    std::string slot_;
};

} // namespace waltrail
