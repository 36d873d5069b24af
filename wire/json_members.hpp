// Walks the members of a JSON object, as text. The object must be valid JSON; for other bytes the answer means nothing, but is
// given safely.
#pragma once

#include <string_view>

namespace waltrail::wire {

// White space between JSON's tokens.
inline bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct JsonMember {
    std::string_view name; // as it is written, quotes included
    std::string_view value;
    std::string_view text; // both and what is between them
};

class JsonMembers {
  public:
    explicit JsonMembers(std::string_view object);
    // False when there is no other.
    bool next(JsonMember &member);

  private:
    void skip_space();
    std::string_view take_string();
    std::string_view take_value();

    std::string_view left_;
};

// Whether a name, as it is written, is this one. `name` has nothing but ASCII that needs no escape.
bool is_member_name(std::string_view written, std::string_view name);

} // namespace waltrail::wire
