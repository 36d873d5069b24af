// The settings of the preloaded library. Defined wherever the library is loaded, so that a name is known; they do nothing where it
// was not preloaded.
#pragma once

#include <string_view>

namespace waltrail {

// Once in a process, when the library is loaded. `changed` is called whenever waltrail.context or capture_actor gets a value.
void define_capture_settings(void (*changed)());

std::string_view context_setting(); // empty: none
std::string_view comment_affix();   // empty: comments say nothing
bool captures_actor();

} // namespace waltrail
