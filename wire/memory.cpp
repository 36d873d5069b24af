#include "wire/memory.hpp"

#include <cstdlib>

namespace waltrail::wire {

namespace {

void *reallocate_from_process(void *, void *old, size_t size) {
    if (size == 0) {
        std::free(old);
        return nullptr;
    }
    void *block = std::realloc(old, size);
    if (block == nullptr) std::abort();
    return block;
}

constexpr size_t arena_block_bytes = 8192;

} // namespace

Allocator process_allocator() { return {reallocate_from_process, nullptr}; }

void Buffer::grow(size_t extra) {
    size_t wanted = capacity == 0 ? 256 : capacity * 2;
    if (wanted < size + extra) wanted = size + extra;
    data = static_cast<char *>(allocator.reallocate(allocator.owner, data, wanted));
    capacity = wanted;
}

void Buffer::release() {
    if (data != nullptr) allocator.reallocate(allocator.owner, data, 0);
    data = nullptr;
    size = capacity = 0;
}

struct Arena::Block {
    Block *older;
    size_t capacity;
    char *bytes() { return reinterpret_cast<char *>(this + 1); }
};

void *Arena::allocate(size_t size, size_t alignment) {
    size_t start = (used + alignment - 1) / alignment * alignment;
    if (newest == nullptr || newest->capacity < start || newest->capacity - start < size) {
        size_t capacity = size > arena_block_bytes ? size : arena_block_bytes;
        auto *block = static_cast<Block *>(
            allocator.reallocate(allocator.owner, nullptr, sizeof(Block) + capacity));
        block->older = newest;
        block->capacity = capacity;
        newest = block;
        start = 0;
    }
    used = start + size;
    return newest->bytes() + start;
}

std::string_view Arena::copy(std::string_view text) {
    if (text.empty()) return {};
    char *bytes = static_cast<char *>(allocate(text.size(), 1));
    std::memcpy(bytes, text.data(), text.size());
    return {bytes, text.size()};
}

void Arena::release() {
    while (newest != nullptr) {
        Block *older = newest->older;
        allocator.reallocate(allocator.owner, newest, 0);
        newest = older;
    }
    used = 0;
}

} // namespace waltrail::wire
