#include "context_memory.hpp"

extern "C" {
#include "utils/memutils.h"
}

namespace waltrail {

namespace {

void *reallocate_in_context(void *context, void *old, size_t size) {
    if (size == 0) {
        pfree(old);
        return nullptr;
    }
    if (old != nullptr) return repalloc_huge(old, size);
    return MemoryContextAllocHuge(static_cast<MemoryContext>(context), size);
}

} // namespace

wire::Allocator context_allocator(MemoryContext context) {
    return {reallocate_in_context, context};
}

} // namespace waltrail
