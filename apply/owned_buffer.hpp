// A wire::Buffer of the program that frees itself.
#pragma once

#include "wire/memory.hpp"

#include <utility>

namespace waltrail {

class OwnedBuffer {
  public:
    OwnedBuffer() { buffer_.allocator = wire::process_allocator(); }
    OwnedBuffer(OwnedBuffer &&other) noexcept : buffer_(std::exchange(other.buffer_, {})) {
        other.buffer_.allocator = wire::process_allocator();
    }
    OwnedBuffer &operator=(OwnedBuffer &&other) noexcept {
        std::swap(buffer_, other.buffer_);
        return *this;
    }
    ~OwnedBuffer() { buffer_.release(); }

    // Gives back what is not used, for one that is kept as it is.
    void shrink() {
        if (buffer_.size == 0 || buffer_.size == buffer_.capacity) return;
        buffer_.data = static_cast<char *>(
            buffer_.allocator.reallocate(buffer_.allocator.owner, buffer_.data, buffer_.size));
        buffer_.capacity = buffer_.size;
    }

    wire::Buffer &operator*() { return buffer_; }
    wire::Buffer *operator->() { return &buffer_; }
    const wire::Buffer *operator->() const { return &buffer_; }

  private:
    wire::Buffer buffer_;
};

} // namespace waltrail
