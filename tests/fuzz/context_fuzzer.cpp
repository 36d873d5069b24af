// What any role can put into a logical message must be read safely: as a message of the preloaded library, and as a JSON object
// whose members are walked. What is read as a message must be written again as the same bytes.
#include "wire/capture_message.hpp"
#include "wire/json_members.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace waltrail::wire;

void require(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

// A varint can be written in more than one way: read twice, the message must be the same.
void check_message(std::string_view bytes) {
    CaptureMessage message, again;
    if (!parse_capture_message(bytes, message)) return;
    Buffer written;
    written.allocator = process_allocator();
    append_capture_message(written, message);
    require(parse_capture_message(written.view(), again),
            "a message that was read is none when written");
    require(again.actor == message.actor && again.context == message.context,
            "a message changes when it is written again");
    Actor actor;
    (void)parse_actor(message.actor, actor);
    written.release();
}

void check_members(std::string_view object) {
    const char *limit = object.data() + object.size();
    JsonMembers members(object);
    const char *at = object.data();
    for (JsonMember member; members.next(member);) {
        require(member.text.data() >= at && member.value.data() + member.value.size() <= limit,
                "a member lies outside its object");
        at = member.text.data() + member.text.size();
        (void)is_member_name(member.name, "_waltrail");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    std::string_view bytes(reinterpret_cast<const char *>(data), size);
    check_message(bytes);
    check_members(bytes);
    return 0;
}
