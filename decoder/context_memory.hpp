// Lets wire/'s buffers and arenas live in a memory context: freed with it, also after an error.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/palloc.h"
}

#include "wire/memory.hpp"

#include <span>
#include <type_traits>

namespace waltrail {

// Blocks may exceed 1 GB: a row as JSON can.
wire::Allocator context_allocator(MemoryContext context);

inline wire::Buffer buffer_in(MemoryContext context) {
    wire::Buffer buffer;
    buffer.allocator = context_allocator(context);
    return buffer;
}

// Zeroed memory for `count` objects whose zero bytes are a valid start.
template <typename T> std::span<T> make_array(MemoryContext context, size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    auto *objects = static_cast<T *>(MemoryContextAllocZero(context, sizeof(T) * count + 1));
    return {objects, count};
}

} // namespace waltrail
