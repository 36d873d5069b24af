#include "apply/shown_text.hpp"

#include "wire/raw_text.hpp"

namespace waltrail {

std::string shown_text(std::string_view text) {
    wire::Buffer out;
    out.allocator = wire::process_allocator();
    wire::append_shown_text(out, text);
    std::string copy(out.view());
    out.release();
    return copy;
}

} // namespace waltrail
